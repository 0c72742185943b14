"""Sphinx' settings for the users' documentation: `python runtests.py --labels docs`."""
import pathlib
import re

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / 'django_patch' / 'django' / 'channels'

project = 'Channels for Django'
author = 'the Channels for Django contributors'
release = re.search(r"^__version__ = '([^']+)'$", (PACKAGE / '__init__.py').read_text(), re.M).group(1)

source_suffix = {'.txt': 'restructuredtext'}
root_doc = 'index'
exclude_patterns = ['_build', 'standards/vectors', 'words.txt']
html_theme = 'alabaster'
