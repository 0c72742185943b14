"""
Two projects on one prefix, and what a command does about it.
"""
from __future__ import absolute_import, unicode_literals

from django.core.management import CommandError

from ..exceptions import AnotherProject, LayerUnavailable
from ..fingerprints import fingerprints
from ..layers.presence import check_project as check_processes


class ProjectRefused(CommandError):
    """Another project's processes use the layer, and keep this one out."""


def add_arguments(parser):
    """Add the option to a command's `parser`."""
    parser.add_argument(
        '--any-project', action='store_true', dest='any_project',
        help='Begin although processes of another project, one with another SECRET_KEY, use the same layer and '
             'prefix.',
    )


def to_claim(options):
    """Return the fingerprints to claim a layer with, as the command's `options` say: none claim it."""
    return [] if options.get('any_project') else fingerprints()


def check_project(layer):
    """
    Raise ProjectRefused if processes of another project use `layer`.

    For an answer before anything begins: two that ask in one moment may both
    go on, and one of them is refused when it announces itself. Processes that
    don't say whose they are, and layers that list none or can't be reached,
    are taken to be right.
    """
    own = fingerprints()
    if not own or not layer.supports_presence:
        return
    try:
        check_processes(layer.processes(), own)
    except LayerUnavailable:
        # A worker that starts while the layer is away waits for it.
        return
    except AnotherProject as error:
        raise ProjectRefused(str(error))
