"""
Look each word of the checkout's prose up in a dictionary; a program by itself.

Prose is what people read: the documentation without its code, docstrings,
comments, and texts of several words, such as messages and help. The dictionary
is the American one of Hunspell, which spylls reads; words.txt has the words of
the field and of the project beside it.
"""
import ast
import io
import pathlib
import re
import subprocess
import sys
import tokenize

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
WORDS = pathlib.Path(__file__).with_name('words.txt')

#: What is nobody's prose: generated, for machines, or in another language.
EXCLUDED = re.compile(r'docs/standards/vectors/|django_patch/patches/|\.envs/|tests/harness/words\.txt$')

#: A string is a text for people when it has so many words.
MESSAGE_WORDS = 4

#: What stands in prose without being words: literals, roles, links, options,
#: names with dots, digits, underscores or slashes, and placeholders.
NOT_PROSE = re.compile(r'''
    ``.*?`` | `[^`\n]*`_* | :[\w:-]+:`[^`]*` | \|[^|\s]+\|
    | https?://\S+ | <[^<>\s]+> | \]\([^)]*\)
    | %\(?\w*\)?[-\d.]*[srdfixXc]? | \{[^{}]*\} | \\[a-zA-Z]\w* | &\w+;
    | --?[a-z][\w-]* | \$\w+
    | \w*[\d_]\w*
    | \w*[\d_@./:=\\*+~^]\w[\w@./:=\\*+~^-]* | \w+\(\)? | \w+\[
''', re.X | re.S)

#: A comment for a program.
DIRECTIVE = re.compile(r'#!|# *(noqa|type:|pragma|isort|-\*-)', re.I)

WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def main():
    """Print each unknown word and where it stands; return the exit status."""
    from spylls.hunspell import Dictionary
    dictionary = Dictionary.from_files('en_US')
    known = set(WORDS.read_text(encoding='utf-8').lower().split())
    places: dict = {}
    for path in tracked():
        for line, text in prose(path):
            for word in words(text):
                places.setdefault(word, []).append((str(path.relative_to(CHECKOUT)), line, word))
    wrong = [
        place for word, found in places.items() for place in found
        if word.lower() not in known and not dictionary.lookup(word) and not dictionary.lookup(word.lower())
    ]
    for found in sorted(wrong):
        print('%s:%d: %s' % found)
    if wrong:
        print('%d words are unknown: correct them, or add them to %s.' % (len(wrong), WORDS.relative_to(CHECKOUT)))
    return 1 if wrong else 0


def words(text):
    """Yield the words of a piece of prose, but for those that are short or written like names in code."""
    for match in WORD.finditer(NOT_PROSE.sub(' ', text)):
        word = re.sub("'s$", '', match.group().replace('\u2019', "'"))
        if len(word) > 2 and not word.isupper() and not re.search('[a-z][A-Z]', word):
            yield word


def tracked():
    """Return the paths of the checkout's files that have prose, in order."""
    listed = subprocess.run(
        ['git', '-C', str(CHECKOUT), 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
        check=True, stdout=subprocess.PIPE,
    ).stdout.decode('utf-8').split('\0')
    return [
        CHECKOUT / name for name in sorted(set(listed))
        if name.endswith(tuple(READERS)) and not EXCLUDED.search(name) and (CHECKOUT / name).is_file()
    ]


def prose(path):
    """Yield (line, text) of each piece of prose in a file."""
    text = path.read_text(encoding='utf-8')
    return READERS[path.suffix](text)


def of_rest(text):
    """Yield the paragraphs of reStructuredText but for its literal blocks, comments and directives."""
    indent = None
    for number, line in enumerate(text.split('\n'), 1):
        margin = len(line) - len(line.lstrip())
        if indent is not None and line.strip():
            if margin > indent:
                continue
            indent = None
        directive = re.match(r'\s*\.\. +([\w-]+)::', line)
        if directive or re.match(r'\s*\.\. ', line):
            if directive is None or directive.group(1) in CODE_DIRECTIVES:
                indent = margin
            continue
        if re.match(r'\s*:[\w-]+:( |$)', line):
            line = re.sub(r'^\s*:(synopsis|alt):', '', line) if 'synopsis' in line or ':alt:' in line else ''
        yield number, line
        if line.rstrip().endswith('::'):
            indent = margin


#: Directives whose content is not prose.
CODE_DIRECTIVES = ('code-block', 'currentmodule', 'image', 'toctree')


def of_markdown(text):
    """Yield the lines of Markdown but for its code."""
    code = False
    for number, line in enumerate(text.split('\n'), 1):
        if line.lstrip().startswith('```'):
            code = not code
        elif not code:
            yield number, line


def of_python(text):
    """Yield docstrings, comments and texts of a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and not DIRECTIVE.match(token.string):
            yield token.start[0], token.string
    tree = ast.parse(text)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                docstrings.add(first.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node in docstrings:
                for offset, line in of_rest(node.value):
                    yield node.lineno + offset - 1, line
            elif is_message(node.value):
                yield node.lineno, node.value


def is_message(text):
    """Return whether a string is a text for people, not code, a pattern or bytes of a protocol."""
    return (
        len(re.findall(r"(?<!\S)[a-z']+[.,:;]?(?!\S)", text)) >= MESSAGE_WORDS
        and not re.search(r'[\r\n<>{}=]|\(\?|^\s*(SELECT|PRAGMA|import|from|def) ', text)
    )


def of_lua(text):
    """Yield the comments of a Lua script."""
    for number, line in enumerate(text.split('\n'), 1):
        if '--' in line:
            yield number, line.partition('--')[2]


#: End of a file's name -> what yields its prose.
READERS = {'.txt': of_rest, '.rst': of_rest, '.md': of_markdown, '.py': of_python, '.lua': of_lua}

if __name__ == '__main__':
    sys.exit(main())
