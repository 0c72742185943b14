"""
apply.py: every release it is made for, the way back, and what it refuses.
"""
import os
import pathlib
import shutil
import tarfile
import tempfile
import unittest

from . import support
from .support import PATCH_SET, apply, copy, folders, run, snapshot


class TreeTestCase(unittest.TestCase):
    """Gives each class the newest tree, which nobody may change, and each test a scratch folder."""

    @classmethod
    def setUpClass(cls):
        cls.pristine = support.pristine_tree()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='patch-tests-'))
        self.addCleanup(shutil.rmtree, str(self.folder))

    def tree(self, merged=False):
        """Return a fresh tree of Django 1.10.8 in the scratch folder."""
        return copy(support.merged_tree() if merged else self.pristine, self.folder / 'tree')

    def assertDone(self, result):
        status, output = result
        self.assertEqual(status, 0, output)
        return output

    def assertRefused(self, result, *words):
        status, output = result
        self.assertEqual(status, 1, output)
        self.assertNotIn('Traceback', output)
        for word in words:
            self.assertIn(word, output)


class ReleaseTests(TreeTestCase):

    def test_the_merge_applies_to_each_release_and_reverses_to_the_same_tree(self):
        for release in sorted(support.sdists()):
            with self.subTest(release=release):
                tree = support.unpack(release, self.folder)
                before, folders_before = snapshot(tree), folders(tree)
                self.assertIn('Merged django.channels', self.assertDone(apply(tree)))
                after = snapshot(tree)
                self.assertIn('django/channels/compat/__init__.py', after)
                self.assertEqual([path for path in after if path.endswith(('.orig', '.rej'))], [])
                self.assertDone(run(['python3', '-m', 'compileall', '-q', tree / 'django' / 'channels']))
                self.assertDone(apply('--reverse', tree))
                self.assertEqual(snapshot(tree), before)
                self.assertEqual(folders(tree), folders_before)

    def test_both_generations_of_python_compile_run_and_reverse_it(self):
        pythons = support.era_pythons()
        if not pythons:
            self.skipTest('neither Python 2.7 nor 3.6 is on this machine')
        for version, python in pythons.items():
            with self.subTest(python=version):
                tree = copy(self.pristine, self.folder / version)
                before = snapshot(tree)
                self.assertDone(apply(tree, python=python))
                self.assertDone(run([python, '-m', 'compileall', '-q', tree / 'django' / 'channels']))
                # Running it leaves compiled files beside the patched ones.
                self.assertDone(run([python, '-c', 'import django.core.management.commands.runworker'], cwd=str(tree)))
                self.assertDone(apply('--reverse', tree, python=python))
                self.assertEqual(snapshot(tree), before)
                self.assertFalse((tree / 'django' / 'channels').exists())
                leftovers = [path for path in tree.rglob('*runworker*')]
                self.assertEqual(leftovers, [])

    def test_what_the_backport_alone_needs_stays_out(self):
        tree = self.tree(merged=True)
        package = tree / 'django' / 'channels'
        self.assertFalse((package / 'management' / 'commands' / 'runserver.py').exists())
        self.assertTrue((package / 'management' / 'commands' / 'runworker.py').exists())
        self.assertEqual(
            (package / 'compat' / '__init__.py').read_bytes(), (support.COMPAT / 'native.py').read_bytes()
        )
        for path in (package / 'compat').glob('*.py'):
            self.assertNotRegex(path.name, r'django\d+|native')

    def test_the_mending_can_be_left_out_and_reversing_sees_that(self):
        tree = self.tree()
        before = snapshot(tree)
        self.assertDone(apply('--without-shims', tree))
        self.assertEqual((tree / 'django' / '__init__.py').read_bytes(), before['django/__init__.py'])
        left_out = snapshot(tree)
        self.assertDone(apply('--reverse', tree))
        self.assertEqual(snapshot(tree), before)
        self.assertDone(apply(tree))
        merged = snapshot(tree)
        self.assertEqual(set(merged) - set(left_out), {'django/channels/compat/old_django.py'})
        self.assertEqual([path for path in left_out if merged[path] != left_out[path]], ['django/__init__.py'])
        self.assertEqual(merged['django/__init__.py'].count(b'old_django.py'), 1)

    def test_the_merged_django_starts_on_this_python_and_without_shims_it_does_not(self):
        code = (
            'import django\nfrom django.conf import settings\n'
            "settings.configure(INSTALLED_APPS=['django.contrib.auth', 'django.contrib.contenttypes'])\ndjango.setup()"
        )
        for options, expected in [([], 0), (['--without-shims'], 1)]:
            tree = self.tree()
            self.assertDone(apply(*(options + [tree])))
            status, output = run([support.sys.executable, '-S', '-B', '-c', code], cwd=str(tree))
            self.assertEqual(status, expected, output)
            shutil.rmtree(str(tree))

    def test_the_pythons_of_the_era_do_not_load_the_shims(self):
        tree = self.tree(merged=True)
        for version, python in support.era_pythons().items():
            output = self.assertDone(run([python, '-S', '-B', '-v', '-c', 'import django'], cwd=str(tree)))
            self.assertNotIn('old_django', output, version)
            self.assertNotIn('runpy', output, version)

    def test_every_file_is_merged_as_it_is(self):
        tree = self.tree(merged=True)
        for path in support.sources(support.PACKAGE):
            below = path.relative_to(PATCH_SET)
            if not stays_out(below.as_posix()):
                self.assertEqual((tree / below).read_bytes(), path.read_bytes(), below)


def stays_out(name):
    """Return whether a file of the package, a path below the tree, is for other Djangos alone."""
    return name.startswith((
        'django/channels/management/commands/runserver.py', 'django/channels/asynchronous/',
        'django/channels/tasks.py', 'django/channels/task_results.py',
    ))


class LeavingOutTests(TreeTestCase):
    """What is emitted and built without the shims."""

    def test_the_wheel_and_the_one_patch_can_be_made_without_it(self):
        import zipfile
        self.assertDone(apply('--without-shims', '--build-wheel', self.folder / 'dist', self.pristine))
        wheel, = (self.folder / 'dist').iterdir()
        with zipfile.ZipFile(str(wheel)) as archive:
            self.assertNotIn('django/channels/compat/old_django.py', archive.namelist())
            self.assertNotIn(b'old_django', archive.read('django/__init__.py'))
        self.assertDone(apply('--without-shims', '--emit-patch', self.folder / 'one.patch', self.pristine))
        self.assertNotIn('old_django.py', (self.folder / 'one.patch').read_text(encoding='utf-8'))

    def test_reversing_has_no_use_for_it(self):
        status, output = apply('--reverse', '--without-shims', self.pristine)
        self.assertEqual(status, 2, output)


class RefusalTests(TreeTestCase):

    def assertUntouched(self, tree, before):
        self.assertEqual(snapshot(tree), before)

    def test_a_merged_tree_is_not_merged_again(self):
        tree = self.tree(merged=True)
        before = snapshot(tree)
        self.assertRefused(apply(tree), 'it is merged', '--reverse')
        self.assertUntouched(tree, before)

    def test_a_tree_without_the_merge_is_not_reversed(self):
        tree = self.tree()
        self.assertRefused(apply('--reverse', tree), 'there is nothing to reverse')

    def test_other_versions_are_refused(self):
        for line, told in [
            ("VERSION = (1, 11, 0, 'final', 0)", '1.11.0'),
            ("VERSION = (1, 9, 13, 'final', 0)", '1.9.13'),
            ("VERSION = (1, 10, 9, 'final', 0)", '1.10.9'),
            ("VERSION = (1, 10, 0, 'rc', 1)", '1.10.0 (rc)'),
        ]:
            with self.subTest(line=line):
                tree = copy(self.pristine, self.folder / told)
                module = tree / 'django' / '__init__.py'
                module.write_text(module.read_text().replace("VERSION = (1, 10, 8, 'final', 0)", line))
                before = snapshot(tree)
                self.assertRefused(apply(tree), told, '1.10 to 1.10.8', 'backport')
                self.assertUntouched(tree, before)

    def test_a_folder_that_is_no_source_tree_is_refused(self):
        self.assertRefused(apply(self.folder), 'is not a Django source tree', 'pip download')
        self.assertRefused(apply(self.folder / 'missing'), 'is not a Django source tree')

    def test_one_patch_that_does_not_fit_leaves_the_tree_as_it_was(self):
        tree = self.tree()
        # The file of a patch in the middle of the series.
        changed = tree / 'django' / 'test' / 'signals.py'
        changed.write_text(changed.read_text().replace('caches._caches', 'caches.changed'))
        before = snapshot(tree)
        self.assertRefused(apply(tree), 'test-signals.patch does not apply', 'Nothing was changed')
        self.assertUntouched(tree, before)

    def test_lines_moved_by_others_are_no_obstacle_but_changed_ones_are(self):
        tree = self.tree()
        settings = tree / 'django' / 'conf' / 'global_settings.py'
        text = settings.read_text()
        settings.write_text('# One more line.\n' + text)
        self.assertDone(apply(tree))
        self.assertDone(apply('--reverse', tree))
        self.assertEqual(settings.read_text(), '# One more line.\n' + text)

    def test_a_file_in_the_way_is_not_overwritten(self):
        tree = self.tree()
        target = tree / 'docs' / 'topics' / 'channels' / 'index.txt'
        target.parent.mkdir()
        target.write_text('mine')
        before = snapshot(tree)
        self.assertRefused(apply(tree), 'docs/topics/channels/index.txt', 'overwrite')
        self.assertUntouched(tree, before)

    def test_reversing_does_not_lose_changes(self):
        tree = self.tree(merged=True)
        (tree / 'django' / 'channels' / 'mine.py').write_text('')
        changed = tree / 'django' / 'channels' / 'worker.py'
        changed.write_text(changed.read_text() + '# Changed.\n')
        before = snapshot(tree)
        self.assertRefused(
            apply('--reverse', tree), 'django/channels/mine.py', 'django/channels/worker.py', 'would lose them'
        )
        self.assertUntouched(tree, before)

    def test_without_the_patch_program_the_package_to_install_is_named(self):
        tree = self.tree()
        before = snapshot(tree)
        self.assertRefused(apply(tree, env={'PATH': str(self.folder / 'nowhere')}), 'apt-get install patch')
        self.assertUntouched(tree, before)

    def test_a_write_that_fails_is_undone(self):
        import merging
        tree = self.tree()
        before, folders_before = snapshot(tree), folders(tree)
        changes = merging.merge_changes(str(tree))
        # A folder where a file has to go: this write fails for root, too.
        last = changes[-1]
        target = tree / last.path
        kept = target.read_bytes()
        target.unlink()
        target.mkdir()
        with self.assertRaises(EnvironmentError):
            merging.write_changes(str(tree), [change._replace(before=None) if change is last else change
                                              for change in changes])
        target.rmdir()
        target.write_bytes(kept)
        self.assertEqual(snapshot(tree), before)
        self.assertEqual(folders(tree), folders_before)

    def test_help_shows_how_to_use_it(self):
        output = self.assertDone(apply('--help'))
        for word in ('--reverse', '--emit-patch', '--build-wheel', 'git am', 'exit status'):
            self.assertIn(word, output)

    def test_wrong_arguments_have_their_own_status(self):
        self.assertEqual(apply()[0], 2)
        self.assertEqual(apply('--reverse', '--emit-patch', 'x', self.folder)[0], 2)


class EmittedPatchTests(TreeTestCase):

    def emit(self, source):
        target = self.folder / 'channels.patch'
        self.assertDone(apply('--emit-patch', target, source))
        return target

    def test_patch_takes_it_and_gives_the_same_tree(self):
        merged = snapshot(self.tree(merged=True))
        other = copy(self.pristine, self.folder / 'other')
        emitted = self.emit(other)
        self.assertDone(run(['patch', '-p1', '-F0', '-s', '-i', emitted], cwd=str(other)))
        self.assertEqual(snapshot(other), merged)

    def test_git_am_takes_it_and_gives_the_same_tree(self):
        if shutil.which('git') is None:
            self.skipTest('git is not installed')
        merged = snapshot(self.tree(merged=True))
        emitted = self.emit(support.sdists()['1.10.8'])
        other = copy(self.pristine, self.folder / 'other')
        git = ['git', '-c', 'user.name=Committer', '-c', 'user.email=committer@example.com']
        for command in (['init', '-q'], ['add', '-fA'], ['commit', '-qm', 'Django 1.10.8'], ['am', '-q', emitted]):
            self.assertDone(run(git + command, cwd=str(other)))
        subject = self.assertDone(run(git + ['log', '-1', '--format=%s'], cwd=str(other)))
        self.assertTrue(subject.startswith('Added django.channels'), subject)
        shutil.rmtree(str(other / '.git'))
        self.assertEqual(snapshot(other), merged)

    def test_emitting_only_reads_and_is_reproducible(self):
        tree = self.tree()
        before = snapshot(tree)
        first = self.emit(tree).read_bytes()
        self.assertEqual(self.emit(tree).read_bytes(), first)
        self.assertEqual(snapshot(tree), before)
        for python in support.era_pythons().values():
            target = self.folder / 'era.patch'
            self.assertDone(apply('--emit-patch', target, tree, python=python))
            self.assertEqual(target.read_bytes(), first)

    def test_it_goes_to_the_standard_output_on_request(self):
        self.assertIn('diff --git a/django/channels/', self.assertDone(apply('--emit-patch', '-', self.tree())))


class SeriesTests(TreeTestCase):
    """The patches as such."""

    def patches(self):
        import merging
        return [pathlib.Path(patch) for patch in merging.series()]

    def test_the_series_names_every_patch_once(self):
        self.assertEqual(
            sorted(patch.name for patch in self.patches()),
            sorted(path.name for path in (PATCH_SET / 'patches').glob('*.patch')),
        )

    def test_each_patch_says_what_and_why(self):
        for patch in self.patches():
            header = patch.read_text(encoding='utf-8').split('\n---\n')[0].split('\n')
            self.assertRegex(header[0], r"^[A-Z]\w+(ed|t|de) .+\.$", patch.name)
            self.assertLessEqual(len(header[0]), 79, patch.name)
            self.assertEqual(header[1], '', patch.name)
            self.assertTrue(header[2], '%s says what, but not why' % patch.name)

    def test_each_patch_is_small(self):
        for patch in self.patches():
            added = [line for line in patch.read_text(encoding='utf-8').split('\n') if line.startswith('+')]
            limit = 160 if 'docs' in patch.name else 40
            self.assertLessEqual(len(added), limit, patch.name)

    def test_each_prefix_of_the_series_reverses_too(self):
        import merging
        tree = self.tree()
        touched = {path for patch in merging.series() for path in merging.patched_paths(patch)}
        before = {path: merging.read(str(tree), path) for path in touched}
        done = []
        for patch in merging.series():
            merging.run_patch(str(tree), patch, reverse=False)
            done.append(patch)
            for applied in reversed(done):
                merging.run_patch(str(tree), applied, reverse=True)
            self.assertEqual({path: merging.read(str(tree), path) for path in touched}, before)
            for applied in done:
                merging.run_patch(str(tree), applied, reverse=False)


class UnpackingTests(TreeTestCase):

    def test_what_is_unpacked_belongs_to_who_unpacks_it(self):
        import packing
        archive = self.folder / 'some.tar.gz'
        with tarfile.open(str(archive), 'w:gz') as content:
            member = tarfile.TarInfo('tree/file')
            member.uid = member.gid = 12345
            member.uname = member.gname = 'somebody'
            content.addfile(member)
        tree = packing.unpack(str(archive), str(self.folder / 'out'))
        self.assertEqual(os.stat(os.path.join(tree, 'file')).st_uid, os.geteuid())


class WheelTests(TreeTestCase):

    def test_the_wheel_is_universal_and_has_the_merge(self):
        import zipfile
        target = self.folder / 'dist'
        output = self.assertDone(apply('--build-wheel', target, self.pristine))
        wheel, = target.iterdir()
        self.assertIn(str(wheel), output)
        self.assertRegex(wheel.name, r'^[Dd]jango-1\.10\.8\+channels\.[\w.]+-py2\.py3-none-any\.whl$')
        with zipfile.ZipFile(str(wheel)) as archive:
            names = set(archive.namelist())
            metadata = archive.read(next(name for name in names if name.endswith('.dist-info/METADATA'))).decode()
        self.assertRegex(metadata, r'\nVersion: 1\.10\.8\+channels\.')
        self.assertNotIn('Requires-Dist: redis', metadata)
        wanted = {
            path.relative_to(PATCH_SET).as_posix() for path in support.PACKAGE.rglob('*')
            if path.is_file() and path.suffix != '.pyc' and path.name != '.gitkeep'
        }
        self.assertEqual([name for name in names if stays_out(name)], [])
        wanted = {name for name in wanted if not stays_out(name)}
        self.assertTrue([name for name in wanted if name.endswith('.lua')])
        self.assertEqual(wanted - names, set())
        self.assertIn('django/core/management/commands/runworker.py', names)
        self.assertEqual([name for name in names if name.startswith(('tests/', 'compat/', 'docs/'))], [])

    def test_a_python_without_the_tools_is_told_what_to_install(self):
        # Without site-packages there is neither setuptools nor wheel.
        launcher = self.folder / 'python'
        launcher.write_text('#!/bin/sh\nexec "%s" -S "$@"\n' % os.path.realpath(support.sys.executable))
        launcher.chmod(0o755)
        code = (
            'import sys; sys.path.insert(0, %r); sys.executable = %r; import apply; '
            'sys.exit(apply.main(["--build-wheel", %r, %r]))'
            % (str(PATCH_SET), str(launcher), str(self.folder / 'dist'), str(self.pristine))
        )
        self.assertRefused(run([launcher, '-c', code]), 'pip install setuptools wheel')
