"""
The calls that are made on Channels 1.1.8 and on this project alike.

Each module here has cases for one part of the public interface. They import
`channels` and nothing of this project, since the real Channels 1.1.8 runs
them, too, on Python 2.7 and 3.6.
"""

#: The modules that have cases.
MODULES = (
    'core', 'routes', 'sessions', 'generic', 'bindings', 'http', 'workers', 'testing', 'layers',
    'idioms', 'bound_models', 'programs', 'attributes', 'habits',
)
