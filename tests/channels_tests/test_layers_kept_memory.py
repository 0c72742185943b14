"""Tests of the memory that the C library keeps."""
from __future__ import absolute_import, unicode_literals

import os
import platform
import subprocess
import sys
import unittest

from django.channels.layers import kept_memory
from django.test import SimpleTestCase

#: Prints how many pages were mapped while two megabytes came and went.
PROGRAM = '''
import resource, sys
exec(open(sys.argv[1]).read())
keep_memory()
data = memoryview(b'x' * 1000000)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
[data.tobytes(), data.tobytes()]
before = faults()
for _ in range(50):
    [data.tobytes(), data.tobytes()]
print(faults() - before)
'''

#: Prints how many kB this process has before and after it returns what is free, of 60 MB
#: with something behind them that isn't.
RETURNING = '''
import os, sys
exec(open(sys.argv[1]).read())
keep_memory()
def resident():
    return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE') // 1024
blocks = [b'x' * 60000 for _ in range(1000)]
blocks = blocks[-1:]
before = resident()
return_free_memory()
print(before, resident())
'''


@unittest.skipUnless(platform.libc_ver()[0] == 'glibc', 'Only glibc has these parameters.')
class KeptMemoryTests(SimpleTestCase):

    def mapped(self, **environ):
        own = {name: value for name, value in os.environ.items() if not name.startswith(('MALLOC_', 'GLIBC_'))}
        return int(self.run_program(PROGRAM, dict(own, **environ)))

    def run_program(self, program, environ=None):
        path = kept_memory.__file__.replace('.pyc', '.py')
        return subprocess.check_output([sys.executable, '-c', program, path], env=environ)

    def test_large_messages_have_no_pages_mapped_again(self):
        self.assertLess(self.mapped(), 2000)

    @unittest.skipUnless(os.path.exists('/proc/self/statm'), 'This system says nothing of memory there.')
    def test_what_is_free_is_returned_when_that_is_asked_for(self):
        before, after = map(int, self.run_program(RETURNING).decode('ascii').strip('(), \n').replace(',', '').split())
        self.assertLess(after, before - 50000)

    def test_what_an_admin_has_set_stays(self):
        # What glibc does by itself, but for the limit that grows there.
        self.assertGreater(self.mapped(**{str('MALLOC_MMAP_THRESHOLD_'): str('131072')}), 20000)
