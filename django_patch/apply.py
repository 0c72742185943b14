"""
The command that merges django.channels into a Django 1.10.x source tree.

``python apply.py --help`` explains it. Runs on Python 2.7 and 3.
"""
from __future__ import absolute_import, print_function, unicode_literals

import argparse
import io
import os
import sys

import emitting
import merging
import packing

DESCRIPTION = """\
Merge django.channels into a Django source tree, versions 1.10 to 1.10.8.

The merge copies the package and its documentation, then applies the patches of
patches/series with zero fuzz. Everything is checked before the first file is
written: when one patch doesn't fit, the tree stays as it was.
"""

EPILOG = """\
examples:
  pip download --no-binary :all: --no-deps "Django==1.10.8"
  tar xzf Django-1.10.8.tar.gz

  python apply.py Django-1.10.8                     merge, in place
  python apply.py --reverse Django-1.10.8           take it out again
  python apply.py --without-shims Django-1.10.8   merge, for Python 2.7 to 3.7 only
  python apply.py --emit-patch channels.patch Django-1.10.8.tar.gz
        write one patch, for "git am" or "patch -p1"; SOURCE is only read
  python apply.py --build-wheel dist Django-1.10.8.tar.gz
        build Django-1.10.8+channels.*-py2.py3-none-any.whl; SOURCE is only read

The wheel has a local version (PEP 440): it satisfies "Django==1.10.8", and pip
never takes it for the stock release. django.get_version() still says 1.10.8.
Building needs setuptools and wheel in the Python that runs this command.

exit status: 0 done, 1 refused (the message says why), 2 wrong arguments.
"""


def parse_arguments(arguments):
    """Return the parsed command line, the list of text `arguments`."""
    parser = argparse.ArgumentParser(
        prog='apply.py', description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'source', metavar='SOURCE',
        help='folder of an unpacked Django source distribution; with --emit-patch and --build-wheel '
             'also the .tar.gz itself',
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument(
        '--reverse', action='store_true',
        help='take the merge out again: the tree becomes what it was, byte for byte',
    )
    action.add_argument(
        '--emit-patch', metavar='FILE', help='write the whole merge as one patch to FILE (- for the standard output)',
    )
    action.add_argument('--build-wheel', metavar='DIR', help='build the wheel of the merged Django into DIR')
    parser.add_argument(
        '--without-shims', action='store_true',
        help='leave out the patch that lets this Django start on Python 3.8 and later (%s), and the file that it '
             'loads; --reverse sees by itself that they were left out' % ', '.join(sorted(merging.SHIMS)),
    )
    options = parser.parse_args(arguments)
    if options.reverse and options.without_shims:
        parser.error('--reverse takes out what is there; it has no use for --without-shims.')
    return options


def main(arguments):
    """Do what the list of text `arguments` asks for; return the exit status."""
    options = parse_arguments(arguments)
    shims = not options.without_shims
    try:
        if options.emit_patch:
            return emit(options.source, options.emit_patch, shims)
        if options.build_wheel:
            print('Built %s' % packing.build_wheel(options.source, options.build_wheel, shims))
        elif options.reverse:
            changes = merging.reverse_changes(options.source)
            merging.write_changes(options.source, changes)
            print('Took django.channels out of %s (%d files).' % (options.source, len(changes)))
        else:
            changes = merging.merge_changes(options.source, shims)
            merging.write_changes(options.source, changes)
            print('Merged django.channels into %s (%d files).' % (options.source, len(changes)))
    except (merging.MergeError, EnvironmentError) as error:
        print('apply.py: %s' % error, file=sys.stderr)
        return 1
    return 0


def emit(source, target, shims):
    """Write the one patch for the tree or archive `source` to the path `target`."""
    with packing.scratch_tree(source) as tree:
        text = emitting.as_patch(merging.merge_changes(tree, shims))
    if target == '-':
        getattr(sys.stdout, 'buffer', sys.stdout).write(text)
        return 0
    with io.open(target, 'wb') as output:
        output.write(text)
    print('Wrote %s' % os.path.abspath(target))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
