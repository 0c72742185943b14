"""The cache folder, which several runs share."""
import tempfile
import unittest
from unittest import mock

from harness import cache


class LogsTests(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def prepared(self):
        made = cache.Cache(self.root)
        made.prepare()
        return made

    def test_runs_that_begin_in_one_second_with_one_process_id_have_logs_of_their_own(self):
        with mock.patch.object(cache.time, 'strftime', return_value='20260102-030405'), \
                mock.patch.object(cache.os, 'getpid', return_value=7):
            runs = [self.prepared() for _ in range(3)]
        self.assertEqual([run.logs.name for run in runs],
                         ['20260102-030405-7', '20260102-030405-7-2', '20260102-030405-7-3'])
        for run in runs:
            self.assertTrue(run.logs.is_dir())

    def test_the_newest_runs_keep_their_logs(self):
        runs = []
        for number in range(cache.KEPT_RUNS + 2):
            with mock.patch.object(cache.time, 'strftime', return_value='20260102-0304%02d' % number):
                runs.append(self.prepared())
        self.assertEqual([run.logs.exists() for run in runs], [False, False] + [True] * cache.KEPT_RUNS)
