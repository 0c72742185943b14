"""
Modules as syntax trees, and what they import, found without running them.
"""
import ast
import collections

from .support import COMPAT, PACKAGE, sources

#: One import: `module` is dotted and counted from django.channels ('' is the
#: package itself), `level` is the number of dots it was written with.
Import = collections.namedtuple('Import', 'module level line')


def parse(path):
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding='utf-8'), str(path))


def module_name(path):
    """Return the name of a file below django.channels, 'layers.base' for example; '' for the package."""
    parts = list(path.relative_to(PACKAGE).with_suffix('').parts)
    if parts[-1] == '__init__':
        parts.pop()
    return '.'.join(parts)


def package_modules():
    """Return {name: path} of all modules of the package, compat aside."""
    return {module_name(path): path for path in sources(PACKAGE)}


def compat_modules():
    """Return {name: path} of the modules of compat, as they are mounted."""
    names = {path: 'compat' if path.stem == '__init__' else 'compat.' + path.stem for path in sources(COMPAT)}
    return {name: path for path, name in names.items()}


def relative_imports(name, path, known):
    """
    Return the relative imports of a module as a list of Import. What is
    imported from a package is named itself where it is a module of `known`.
    """
    package = name if path.stem == '__init__' else name.rpartition('.')[0]
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package.split('.') if package else []
            if node.level - 1 > len(base):
                found.append(Import('..', node.level, node.lineno))
                continue
            base = base[:len(base) - (node.level - 1)] + (node.module.split('.') if node.module else [])
            for alias in node.names:
                inner = '.'.join(base + [alias.name])
                found.append(Import(inner if inner in known else '.'.join(base), node.level, node.lineno))
    return found


def foreign_names(path):
    """Yield (dotted name, line) of what a file imports absolutely: 'a.b' for `import a.b` and `from a import b`."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield '%s.%s' % (node.module, alias.name), node.lineno


def circles(graph):
    """
    Return the set of the modules that import each other, with those that
    import any of them; graph is {module: modules that it imports}.
    """
    # Take away what imports nothing that is left, until nothing more goes.
    left = {name: set(targets) - {name} for name, targets in graph.items()}
    while True:
        done = {name for name, targets in left.items() if not targets & set(left)}
        if not done:
            return set(left)
        left = {name: targets for name, targets in left.items() if name not in done}


def absolute_imports(path):
    """Return the absolute imports of a file as a list of Import with level 0."""
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, 0, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(Import(node.module, 0, node.lineno))
    return found
