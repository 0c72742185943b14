"""
Runs Django's own tests/runtests.py, which lies beside it, in a mode.

The environment variable CHANNELS_TEST_MODE says which: "wsgi" as they are;
"channels" with the test client's requests sent as messages, through JSON and
back; "channels-without-emulation" the same without the wsgi.* keys. It runs
on the Python of the Django under test, so it is Python 2.7 as well.
"""
from __future__ import absolute_import

import os
import runpy
import sys

MODE = os.environ['CHANNELS_TEST_MODE']

if MODE != 'wsgi':
    if MODE == 'channels-without-emulation':
        from django.conf import global_settings
        global_settings.CHANNEL_WSGI_EMULATION = False
    from django.channels.test.client import use_channels
    use_channels()

sys.argv[0] = 'runtests.py'
runpy.run_path('runtests.py', run_name='__main__')
