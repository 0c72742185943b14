"""
Ctrl-C while a command waits, such as for a Redis that doesn't answer.
"""
from __future__ import absolute_import

from django.core.management import BaseCommand

from ..compat.command_output import flush
from ..processes import leaving


class InterruptibleCommand(BaseCommand):
    """
    A command that Ctrl-C ends with a line in place of a traceback.

    Until it handles SIGINT itself, if it ever does. Who calls it from Python
    gets the KeyboardInterrupt.
    """

    def run_from_argv(self, argv):
        try:
            super(InterruptibleCommand, self).run_from_argv(argv)
        except KeyboardInterrupt:
            self.stderr.write('%s was ended by Ctrl-C.' % argv[1])
            flush(self.stdout)
            leaving.interrupt_itself()
