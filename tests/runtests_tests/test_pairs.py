"""The table of pairs has what is promised, and globs choose among it."""
import argparse
import tempfile
import unittest
from unittest import mock

from harness import cache, cli, joint, labels, pairs, sources


class PairsTests(unittest.TestCase):

    def test_the_era_runs_on_both_of_its_pythons_by_default(self):
        names = [str(pair) for pair in pairs.select()]
        for python in ('2.7', '3.6'):
            for django in ('1.8', '1.9', '1.10', '1.10p', '1.11'):
                self.assertIn('py%s-dj%s' % (python, django), names)

    def test_each_later_django_runs_by_default_on_a_python_it_supports(self):
        chosen = pairs.select()
        for django, supported in pairs.OFFICIAL_PYTHONS.items():
            self.assertTrue([pair for pair in chosen if pair.django == django and pair.python in supported], django)
        self.assertLessEqual({'3.11', '3.13'}, {pair.python for pair in chosen})

    def test_the_system_tests_have_their_pairs_in_the_default_run(self):
        for row in pairs.system(['3.11']) + [pairs.ONCE]:
            self.assertIn(row, pairs.select(found=['3.11']))

    def test_a_glob_chooses(self):
        self.assertEqual([str(pair) for pair in pairs.select(['py2.7-dj1.8*', '*-dj6.1'])],
                         ['py2.7-dj1.8', 'py3.13-dj6.1', 'py3.12-dj6.1', 'py3.14-dj6.1', 'py3.15-dj6.1'])

    def test_a_glob_that_matches_nothing_is_an_error(self):
        with self.assertRaisesRegex(ValueError, "No pair matches 'py2.6-\\*'; --list shows them all."):
            pairs.select(['py2.6-*'])

    def test_all_adds_every_supported_python(self):
        names = [str(pair) for pair in pairs.select(everything=True)]
        self.assertIn('py3.8-dj2.2', names)
        self.assertEqual(len(names), len(set(names)))

    def test_all_has_the_eras_djangos_on_newer_pythons(self):
        names = [str(pair) for pair in pairs.select(everything=True)]
        for python in ('3.8', '3.9', '3.10', '3.11', '3.12', '3.13', '3.14', '3.15'):
            for django in ('1.8', '1.9', '1.10', '1.10p', '1.11'):
                self.assertIn('py%s-dj%s' % (python, django), names)

    def test_the_eras_djangos_run_on_the_newest_python_as_well(self):
        for found, newest in [(['3.11'], '3.11'), (['3.12'], '3.12'), (['3.11', '3.13', '3.8'], '3.13'),
                              (['2.7', '3.6', '3.11'], '3.11')]:
            names = [str(pair) for pair in pairs.select(found=found)]
            for django in ('1.8', '1.9', '1.10', '1.10p', '1.11'):
                self.assertIn('py%s-dj%s' % (newest, django), names)
                self.assertIn('py2.7-dj' + django, names, 'what can not run is named, not forgotten')

    def test_the_newest_pythons_have_todays_djangos_found_or_not(self):
        newest = {'py3.14-dj5.2', 'py3.14-dj6.0', 'py3.14-dj6.1', 'py3.15-dj6.1'}
        for found in (['3.11', '3.13'], ['3.13', '3.14'], ['3.13', '3.15']):
            names = {str(pair) for pair in pairs.select(found=found)}
            self.assertEqual({name for name in names if name.startswith(('py3.14', 'py3.15')) and '-dj1' not in name},
                             newest)

    def test_the_eras_djangos_go_on_to_the_newest_python_that_is_found(self):
        self.assertEqual(pairs.era_elsewhere(['3.11', '3.13']), [('3.13', django) for django in pairs.ERA_DJANGOS])
        self.assertEqual(pairs.era_elsewhere(['3.13', '3.15']), [('3.15', django) for django in pairs.ERA_DJANGOS])

    def test_a_machine_with_the_eras_pythons_alone_has_no_more_rows(self):
        self.assertEqual(pairs.select(found=['2.7', '3.6', '3.7']), pairs.select())

    def test_one_pair_for_all_is_found_with_any_one_python(self):
        for found, expected in [(['2.7', '3.6', '3.11', '3.13'], ('3.11', '5.2')), (['3.13'], ('3.13', '6.1')),
                                (['3.12'], ('3.12', '6.0')), (['3.14'], ('3.14', '6.1')), (['2.7'], None)]:
            self.assertEqual(pairs.once(found), expected)

    def test_system_tests_run_for_all_on_any_machine(self):
        self.assertEqual(pairs.system(['3.12'])[len(pairs.SYSTEM):], [('3.12', '6.0'), ('3.12', '1.8')])
        self.assertEqual(pairs.system(['3.15'])[len(pairs.SYSTEM):], [('3.15', '6.1'), ('3.15', '1.8')])
        self.assertEqual(pairs.system(['3.11'])[len(pairs.SYSTEM):], [('3.11', '1.8')])
        self.assertEqual(pairs.system(['3.6', '3.13']), pairs.SYSTEM)

    def test_pairs_that_run_some_system_tests_are_in_the_default_run(self):
        for row in pairs.SYSTEM_IN_PART:
            self.assertIn(row, pairs.select(found=['3.11']))
            self.assertNotIn(row, pairs.SYSTEM)

    def test_one_pair_of_each_python_stands_for_all_of_them(self):
        found = ['2.7', '3.6', '3.9', '3.10', '3.11', '3.12', '3.13', '3.14', '3.15']
        chosen = pairs.once_for_python(pairs.select(found=found), found)
        self.assertEqual({pair.python for pair in chosen}, set(found))
        self.assertEqual(len(chosen), len(found))
        self.assertIn(pairs.ONCE, chosen)
        some = pairs.select(['py2.7-dj1.10*', 'py3.13-*', 'py3.11-*'])
        self.assertEqual(pairs.once_for_python(some, found), {('2.7', '1.10'), ('3.13', '6.1'), pairs.ONCE})

    def test_what_takes_long_runs_on_the_outer_pythons_of_today_and_on_the_one_that_stands_for_all(self):
        found = ['2.7', '3.6', '3.9', '3.10', '3.11', '3.12', '3.13']
        self.assertEqual(pairs.between(pairs.select(found=found), found), {'3.10', '3.12'})
        self.assertEqual(pairs.between(pairs.select(['py3.12-*', 'py3.13-*']), found), set())
        self.assertEqual(pairs.between(pairs.select(found=['3.13']), ['3.13']), set())

    def test_a_machine_with_no_python_at_all_gets_the_table_as_it_is(self):
        self.assertEqual(pairs.select(found=[]), pairs.select())

    def test_a_patched_pair_lacks_the_program_that_patches(self):
        for found, program, expected in (
            (['3.6'], None, 'no program "patch"'), (['3.6'], '/usr/bin/patch', ''), ([], None, 'no Python 3.6'),
        ):
            with mock.patch.object(pairs.shutil, 'which', return_value=program):
                self.assertEqual(pairs.Pair('3.6', '1.10p').lack(found), expected)
                self.assertEqual(pairs.Pair('3.6', '1.10').lack(['3.6']), '')

    def test_a_patched_pair_names_the_release_it_is_made_from(self):
        pair = pairs.Pair('3.6', '1.10p')
        self.assertEqual((pair.patched, pair.release, str(pair)), (True, '1.10.8', 'py3.6-dj1.10p'))


class JointTests(unittest.TestCase):
    """The rows of system tests that need the environments of several pairs."""

    def wanted(self, chosen_labels=(), globs=(), long=False):
        chosen = pairs.select(globs, found=['2.7', '3.6', '3.11', '3.13'])
        options = argparse.Namespace(long=long)
        return [
            name for name in pairs.JOINT
            if joint.JointRun.is_wanted(name, chosen, labels.Labels(chosen_labels), options)
        ]

    def test_the_way_up_is_taken_with_long_only(self):
        self.assertEqual(self.wanted(), ['mixed'])
        self.assertEqual(self.wanted(long=True), ['mixed', 'path'])

    def test_they_run_when_their_pairs_are_chosen(self):
        self.assertEqual(self.wanted(globs=['py2.7-dj1.8', 'py3.11-dj5.2'], long=True), ['mixed'])
        self.assertEqual(self.wanted(globs=['py2.7-dj1.8'], long=True), [])

    def test_labels_choose_among_them(self):
        self.assertEqual(self.wanted(['channels_tests'], long=True), [])
        self.assertEqual(self.wanted(['system/test_path.py'], long=True), ['path'])
        self.assertEqual(self.wanted(['system'], long=True), ['mixed', 'path'])

    def test_a_label_may_be_the_path_of_a_module(self):
        path = str(labels.FOLDERS['interface_server'] / 'test_http.py')
        for label in ('interface_server/tests/test_http.py', 'interface_server/test_http.py'):
            self.assertEqual(labels.Labels([label]).paths('interface_server'), [path])

    def test_a_label_without_its_folder_is_answered_with_one_that_has_it(self):
        for label in ('test_routing', 'tests/system/test_chat.py'):
            with self.assertRaisesRegex(ValueError, r'such as channels_tests\.test_routing or system/test_chat\.py'):
                labels.Labels([label])

    def test_no_pair_runs_their_modules_by_itself(self):
        chosen = labels.Labels(['system/test_path.py', 'system/test_chat.py'])
        self.assertEqual([path.rpartition('/')[2] for path in chosen.paths('system')], ['test_chat.py'])


class MissingTests(unittest.TestCase):
    """What becomes of a row whose Python isn't here."""

    def missing(self, python, **options):
        said = []
        reporter = argparse.Namespace(progress=lambda name, text: said.append(text))
        bench = argparse.Namespace(
            options=argparse.Namespace(**dict({'pairs': [], 'require_pairs': True}, **options)), reporter=reporter)
        run = cli.Run.__new__(cli.Run)
        run.bench = bench
        result = run.missing('py%s-dj6.1' % python, python)[-1]
        return result.ok, said

    def test_it_fails_a_run_that_requires_it(self):
        self.assertEqual(self.missing('3.13'), (False, ['CANNOT RUN: no Python 3.13 on this machine']))
        skipped = ['SKIPPED: no Python 3.13 on this machine']
        self.assertEqual(self.missing('3.13', require_pairs=False), (True, skipped))

    def test_what_is_hard_to_get_is_skipped_unless_it_was_asked_for_by_name(self):
        for python in pairs.HARD_TO_GET:
            skipped = 'SKIPPED: no Python %s on this machine' % python
            self.assertEqual(self.missing(python), (True, [skipped]))
            self.assertFalse(self.missing(python, pairs=['py%s-*' % python])[0])


class SourcesTests(unittest.TestCase):
    """The row of the tests that look at sources."""

    def wanted(self, globs=(), chosen_labels=(), found=('2.7', '3.11')):
        return sources.SourcesRun.is_wanted(argparse.Namespace(
            interpreters=found, pairs=pairs.select(globs, found=found), labels=labels.Labels(chosen_labels),
        ))

    def test_it_is_part_of_a_run_that_is_not_of_some_other_pairs(self):
        self.assertTrue(self.wanted())
        self.assertTrue(self.wanted(['py3.11-*']))
        self.assertFalse(self.wanted(['py2.7-*']))
        self.assertTrue(self.wanted(found=('3.13',)))

    def test_labels_choose_it(self):
        self.assertTrue(self.wanted(chosen_labels=['patch_tests/test_apply.py']))
        self.assertTrue(self.wanted(chosen_labels=['system', 'runtests_tests']))
        self.assertFalse(self.wanted(chosen_labels=['system']))

    def test_a_machine_without_a_python_of_today_has_none(self):
        self.assertFalse(self.wanted(found=('2.7', '3.6')))

    def run_row(self, chosen, **chosen_options):
        """Run the row, whose environment is this one, on a machine without the program that patches."""
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(sources.shutil, 'which', return_value=None):
            store = cache.Cache(folder)
            store.prepare()
            options = argparse.Namespace(keep=True, require_pairs=False, long=False, **chosen_options)
            return OnThisPython(argparse.Namespace(
                interpreters={'3.11': argparse.Namespace(version='3.11.7')}, labels=labels.Labels(chosen), cache=store,
                options=options, reporter=mock.Mock(), pairs=[])).run()

    def test_a_row_that_is_skipped_by_name_has_not_failed(self):
        result = self.run_row(['patch_tests'])
        self.assertEqual((result.problem, result.skipped), (None, 1))
        self.assertEqual(list(result.reasons), ['patch_tests: no program "patch" on this machine'])

    def test_a_row_that_runs_nothing_has_failed(self):
        self.assertEqual(self.run_row(['system']).problem, 'no test ran')


class OnThisPython(sources.SourcesRun):

    def prepare(self, log):
        pass
