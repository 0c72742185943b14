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


@unittest.skipUnless(platform.libc_ver()[0] == 'glibc', 'Only glibc has these parameters.')
class KeptMemoryTests(SimpleTestCase):

    def mapped(self, **environ):
        own = {name: value for name, value in os.environ.items() if not name.startswith(('MALLOC_', 'GLIBC_'))}
        path = kept_memory.__file__.replace('.pyc', '.py')
        return int(subprocess.check_output([sys.executable, '-c', PROGRAM, path], env=dict(own, **environ)))

    def test_large_messages_have_no_pages_mapped_again(self):
        self.assertLess(self.mapped(), 2000)

    def test_what_an_admin_has_set_stays(self):
        # What glibc does by itself, but for the limit that grows there.
        self.assertGreater(self.mapped(**{str('MALLOC_MMAP_THRESHOLD_'): str('131072')}), 20000)
