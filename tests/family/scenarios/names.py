"""The public names of the package and their signatures, read from the package itself."""
from __future__ import absolute_import, unicode_literals

import importlib
import inspect

#: Modules with public names.
MODULES = (
    '', 'apps', 'asgi', 'auth', 'binding.base', 'binding.websockets', 'channel', 'delay.apps', 'delay.consumers',
    'delay.models', 'delay.worker', 'exceptions', 'generic', 'generic.base', 'generic.websockets', 'handler', 'log',
    'management.commands.runserver', 'management.commands.runworker', 'delay.management.commands.rundelay',
    'message', 'package_checks', 'routing', 'security.websockets', 'sessions', 'signals', 'staticfiles', 'test',
    'test.base', 'test.http', 'test.liveserver', 'test.websocket', 'utils', 'worker',
)


def public_names():
    """Return {module: {name: signature or None}}; a class has its members as 'Class.member'."""
    return {module: names_of(module) for module in MODULES}


def names_of(module):
    try:
        loaded = importlib.import_module('.'.join(filter(None, ('channels', module))))
    except ImportError as error:
        return {'ImportError': str(error)}
    found = {}
    for name, value in vars(loaded).items():
        if name.startswith('_') or inspect.ismodule(value) or not is_for_users(module, value):
            continue
        found[name] = signature(value)
        if inspect.isclass(value):
            for member in dir(value):
                # What is inherited from others isn't ours to keep.
                if not member.startswith('_') and is_own(value, member):
                    held = getattr(value, member, None)
                    found['%s.%s' % (name, member)] = None if inspect.isclass(held) else signature(held)
    return found


#: Packages that offer what their modules have.
OFFERING = ('', 'generic', 'test')


def is_real():
    """Return whether this is Channels 1.1.8, whose names are those to compare with."""
    try:
        importlib.import_module('channels.layers')
    except ImportError:
        return True
    return False


def is_for_users(module, value):
    """Return whether `value`, found in `module`, is offered there, not only used."""
    if not is_real():
        return True
    origin = getattr(value, '__module__', None) or ''
    if not inspect.isclass(value) and not inspect.isroutine(value):
        # A constant: who can tell where it comes from?
        return isinstance(value, (type(''), str, int)) and 'commands' not in module
    return origin == '.'.join(filter(None, ('channels', module))) or (
        module in OFFERING and origin.startswith('channels'))


def is_own(cls, member):
    """Return whether a class of the package's own has the member."""
    return not is_real() or any(
        member in vars(base) for base in cls.__mro__ if base.__module__.startswith(('channels', 'django.channels'))
    )


def signature(value):
    """Return what a call takes: names of positional arguments, how many have defaults, whether more are taken."""
    if not callable(value):
        return None
    if inspect.isclass(value):
        value = value.__init__
    read = getattr(inspect, 'getfullargspec', None) or inspect.getargspec
    try:
        spec = read(value)
    except TypeError:
        return None
    arguments = [name for name in spec.args if name not in ('self', 'cls')]
    return {
        'arguments': arguments, 'defaults': len(spec.defaults or ()), 'more': bool(spec.varargs),
        'keywords': bool(getattr(spec, 'varkw', None) or getattr(spec, 'keywords', None)),
        'keyword_only': sorted(getattr(spec, 'kwonlyargs', ())),
    }
