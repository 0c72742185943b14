"""
The source folders of the checkout: which files, and under which names.
"""
import collections

from .support import CHECKOUT, COMPAT, PACKAGE, PATCH_SET, sources

SERVER = CHECKOUT / 'interface_server' / 'interface_server'
BACKPORT = CHECKOUT / 'backport'
HARNESS = CHECKOUT / 'tests' / 'harness'

#: One folder of modules that are imported from its top: `root`, and their
#: `modules`, {dotted name: path}, '' for the package itself.
Tree = collections.namedtuple('Tree', 'root modules')


def tree(root, *parts):
    """Return the Tree of a folder; of some of its parts if they are named."""
    paths = sources(*[root / part for part in parts or ('.',)])
    return Tree(root, {dotted(path.relative_to(root)): path for path in paths})


def dotted(path):
    """Return the name of a module by its path below the folder it is imported from."""
    parts = list(path.with_suffix('').parts)
    if parts[-1] == '__init__':
        parts.pop()
    return '.'.join(parts)


#: Each folder by the name that messages have for it.
TREES = {
    'package': tree(PACKAGE),
    'compat': tree(COMPAT),
    'backport': tree(BACKPORT, 'channels', 'channels_backport'),
    'interface server': tree(SERVER),
    'harness': tree(HARNESS),
}

#: The programs of the patch set lie beside the tree that they merge.
TOOLS = sorted(PATCH_SET.glob('*.py'))

#: The files of each folder, of the tools and all together.
FILES = {name: sorted(found.modules.values()) for name, found in TREES.items()}
SOURCES = sorted(path for paths in FILES.values() for path in paths) + TOOLS

#: What is installed together, and so must not use one name twice.
DISTRIBUTIONS = {
    'django-channels-backport': FILES['package'] + FILES['compat'] + FILES['backport'],
    'channels-interface-server': FILES['interface server'],
}


def name(path):
    """Return the path as messages of tests have it."""
    return path.relative_to(CHECKOUT).as_posix()


def lines_of(path):
    """Return the lines of a file."""
    return path.read_text(encoding='utf-8').split('\n')
