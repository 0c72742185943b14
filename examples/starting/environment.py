"""
The virtual environment of the examples: make it once, refresh it when needed.

Standard library only, Python 3.9 and later.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent
ROOT = EXAMPLES.parent
#: All examples share them.
ENVS = EXAMPLES / '.envs'

#: The parts of the checkout from which the two packages are built.
SOURCES = ['setup.py', 'setup.cfg', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'LICENSE', 'AUTHORS', 'CHANGES.rst',
           'backport', 'compat', 'django_patch', 'interface_server']
#: The last virtualenv that makes environments for Python 2.7 and 3.6.
VIRTUALENV = 'virtualenv==20.21.1'
#: The release that the patch set is merged into, if no other is asked for.
PATCHABLE = '1.10.8'
#: What serves WebSockets where the interface server can't run.
DAPHNE = 'daphne==1.4.2'


class Problem(Exception):
    """Something that the person at the keyboard has to know; text only."""


def say(text):
    """Print one line now, also when the output is a file."""
    print(text, flush=True)


def call(command, **kwargs):
    """Run a command (a list); return its output, show it only upon failure."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, **kwargs)
    if done.returncode:
        raise Problem('%s\nThis command failed (exit status %d): %s' % (
            done.stdout.rstrip(), done.returncode, ' '.join(map(str, command))))
    return done.stdout


def probe(python):
    """Return (version tuple, has venv and ensurepip) of an interpreter."""
    code = ('import json, sys\n'
            'try:\n    import ensurepip, venv\nexcept ImportError:\n    usable = False\nelse:\n    usable = True\n'
            'print(json.dumps([list(sys.version_info[:3]), usable]))')
    try:
        version, usable = json.loads(subprocess.check_output([python, '-c', code], stderr=subprocess.STDOUT))
    except subprocess.CalledProcessError as error:
        # What it said tells more than the status, a version manager's wrapper for example.
        reason = error.output.decode(errors='replace').strip() or 'exit status %d' % error.returncode
    except (OSError, ValueError) as error:
        reason = error
    else:
        return tuple(version), usable
    raise Problem('%s is no working Python: %s\nGive the path of one with --python.' % (python, reason))


def require_venv(python, usable):
    """Say how to get the venv module, which Debian packs separately."""
    if not usable:
        raise Problem(
            '%s cannot make virtual environments: the modules venv and ensurepip are missing.\n'
            'On Debian and Ubuntu install them with: apt install python3-venv\n'
            'Or choose another Python with --python.' % python)


def make_env(env, python, version, usable):
    """Make an empty virtual environment for an interpreter."""
    shutil.rmtree(env, ignore_errors=True)
    env.parent.mkdir(exist_ok=True)
    if version >= (3, 8):
        require_venv(python, usable)
        call([python, '-m', 'venv', env])
        return
    tool = ENVS / 'virtualenv'
    if not (tool / 'bin' / 'virtualenv').exists():
        require_venv(sys.executable, probe(sys.executable)[1])
        shutil.rmtree(tool, ignore_errors=True)
        call([sys.executable, '-m', 'venv', tool])
        call([tool / 'bin' / 'pip', 'install', '-q', VIRTUALENV])
    # The three embedded wheels still know old Pythons; newer ones don't.
    call([tool / 'bin' / 'virtualenv', '-q', '--no-periodic-update', '--pip', 'embed', '--setuptools', 'embed',
          '--wheel', 'embed', '-p', python, env])


def pip(env, version, verb, *arguments):
    """Run an environment's pip; an old one gets a second, plainer chance."""
    command = [env / 'bin' / 'python', '-m', 'pip', verb, '-q', '--disable-pip-version-check', *arguments]
    try:
        call(command)
    except Problem:
        if version >= (3, 8):
            raise
        # Old pips stumble over additional indexes that newer ones can read.
        call(command, env=dict(os.environ, PIP_CONFIG_FILE=os.devnull, PIP_FIND_LINKS=''))


def pip_install(env, version, *requirements):
    """Install into an environment. Python compiles what it imports; pip would compile all of Django."""
    pip(env, version, 'install', '--no-compile', *requirements)


def fingerprint(*facts):
    """Return a text that changes when the checkout or one of the facts does."""
    digest = hashlib.sha256(repr(facts).encode())
    for name in SOURCES:
        path = ROOT / name
        files = sorted(path.rglob('*')) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and '__pycache__' not in file.parts and file.suffix != '.pyc':
                digest.update(str(file.relative_to(ROOT)).encode() + b'\0' + file.read_bytes())
    return digest.hexdigest()


def build_wheels(env, version, folder):
    """Build the packages of this checkout; return the wheels' paths by name."""
    # In a copy, since building leaves files beside the sources.
    source = Path(folder, 'source')
    source.mkdir()
    unwanted = shutil.ignore_patterns('__pycache__', '*.pyc', 'build', 'dist', '*.egg-info')
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(str(path), str(source / name), ignore=unwanted)
        elif path.exists():
            shutil.copy(str(path), str(source / name))
    projects = [source]
    if version >= (3, 9):
        projects.append(source / 'interface_server')
    out = Path(folder, 'wheels')
    # Without isolation the tools aren't installed once more for each of them.
    pip(env, version, 'wheel', '--no-deps', '--no-build-isolation', '-w', out, *projects)
    wheels = {}
    for wheel in out.glob('*.whl'):
        wheels['server' if wheel.name.startswith('channels_interface_server') else 'backport'] = wheel
    return wheels


def build_patched(env, version, folder, release):
    """Build the wheel of a Django release with the patch set; return its path."""
    sources, out = Path(folder, 'sources'), Path(folder, 'patched')
    pip(env, version, 'download', '--no-deps', '--no-build-isolation', '--no-binary', 'django', '-d', sources,
        'Django==%s' % release)
    archive, = sources.iterdir()
    call([env / 'bin' / 'python', ROOT / 'django_patch' / 'apply.py', '--build-wheel', out, archive])
    wheel, = out.glob('*.whl')
    return str(wheel)


def django_requirement(django):
    """Return pip's name for "1.8.19", for a wheel or for nothing: the newest."""
    if not django:
        return 'Django'
    return str(Path(django).resolve()) if os.path.exists(django) else 'Django==%s' % django


def install(env, version, django, patched, fresh):
    """Install what the examples need: Django, this checkout, a server. `fresh`: nothing was installed before."""
    say('Installing Django and this checkout (about a minute, once) ...')
    with tempfile.TemporaryDirectory() as folder:
        # What builds. A virtual environment of Python 3.12 and later has none
        # of it, an older one a setuptools that is too old.
        pip_install(env, version, '--upgrade', 'setuptools', 'wheel')
        wheels = build_wheels(env, version, folder)
        # The client for Redis is small; with it, changing to Redis is quick.
        if patched:
            django = build_patched(env, version, folder, django or PATCHABLE)
        wanted = [django_requirement(django), '%s[redis]' % wheels['backport']]
        wanted.append(wheels['server'] if 'server' in wheels else DAPHNE)
        pip_install(env, version, '--upgrade', *wanted)
        if not fresh:
            # Again without a look at version numbers: a changed checkout usually
            # has the number of the one before.
            pip_install(env, version, '--force-reinstall', '--no-deps', *wheels.values())


def prepare(python, django, patched=False):
    """
    Make or refresh the environment for an interpreter; return its path.

    `django` is a version, the path of a wheel, or nothing for the newest;
    `patched` has the patch set merged into that version.
    """
    version, usable = probe(python)
    label = os.path.basename(django) if django else 'newest'
    if patched:
        label = '%s-patched' % (django or PATCHABLE)
    env = ENVS / ('python%d.%d-django-%s' % (version[0], version[1], label))
    made, stamp = env / 'made', env / 'installed'
    wanted = fingerprint(version, os.path.abspath(python), django, patched)
    if not stamp.exists() or stamp.read_text() != wanted:
        # A run that was interrupted leaves half an environment, without mark.
        fresh = not made.exists()
        if fresh:
            say('Making a virtual environment in %s ...' % os.path.relpath(str(env)))
            make_env(env, python, version, usable)
            made.touch()
        install(env, version, django, patched, fresh)
        stamp.write_text(wanted)
    return env
