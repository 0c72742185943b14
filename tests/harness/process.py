"""Run other programs: clean environment, output in a log file, time limit."""
import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time

#: Variables of the caller that would change what a program under test sees,
#: or have pip compile itself whenever it is called.
DROPPED_VARIABLES = (
    'DJANGO_SETTINGS_MODULE', 'PYTHONDONTWRITEBYTECODE', 'PYTHONHOME', 'PYTHONPATH', 'PYTHONSTARTUP', 'PYTHONWARNINGS',
    'PYENV_VERSION', 'RUNNING_DJANGOS_TEST_SUITE', 'VIRTUAL_ENV', '__PYVENV_LAUNCHER__',
)

#: Seconds that an interrupted program has to stop what it started itself: the
#: tests have servers in sessions of their own.
GRACE = 20

#: Before a command that may wait while others work: it uses the time in which
#: these wait, for servers, browsers and clocks, and delays none of them.
NICE = ['nice', '-n', '15']

#: Process groups that run now, so that an interrupted run leaves none behind.
_running: set = set()
_running_lock = threading.Lock()
_stopping = threading.Event()

#: Seconds of processors that what a thread ran has used; a row is one thread.
_used = threading.local()


class StepFailed(Exception):
    """Raised when a program that had to succeed did not; names its log."""

    def __init__(self, message, log=None):
        super().__init__(message)
        self.log = log


def clean_environment(**extra):
    """Return the caller's environment without DROPPED_VARIABLES, plus extra."""
    env = {key: value for key, value in os.environ.items() if key not in DROPPED_VARIABLES}
    env['PYTHONUNBUFFERED'] = '1'
    env.update(extra)
    return env


def run(command, log, cwd=None, timeout=900, **extra):
    """
    Run command (a list), append its output to the file log, and return its
    exit status. The whole process group is interrupted after timeout seconds,
    then killed, and the status is 'timeout'. Keyword arguments are environment
    variables.
    """
    command = [str(part) for part in command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, 'ab') as output:
        shown = ' '.join(shlex.quote(part) for part in command)
        output.write(('$ cd %s && %s\n' % (cwd or os.getcwd(), shown)).encode())
        output.flush()
        if _stopping.is_set():
            raise StepFailed('interrupted', log)
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            cwd=cwd, env=clean_environment(**extra), start_new_session=True,
        )
        with _running_lock:
            _running.add(process.pid)
        try:
            return _wait(process, timeout)
        except subprocess.TimeoutExpired:
            output.write(('\n%s was stopped: it ran for more than %d s\n' % (command[0], timeout)).encode())
            _signal_group(process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                _wait(process, GRACE)
            return 'timeout'
        finally:
            # Also when the leader ended by itself: a test that leaves a server
            # behind must not disturb the next one.
            _signal_group(process.pid, signal.SIGKILL)
            _wait(process)
            with _running_lock:
                _running.discard(process.pid)


def processor_seconds():
    """Return the seconds of processors (float) used by what this thread ran, and by what that waited for."""
    return getattr(_used, 'seconds', 0.0)


def _wait(process, timeout=None):
    """Like Popen.wait(), and count what the process used: no other call tells that of one child among several."""
    begin = time.monotonic()
    while process.returncode is None:
        pid, status, usage = os.wait4(process.pid, 0 if timeout is None else os.WNOHANG)
        waited = time.monotonic() - begin
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            _used.seconds = processor_seconds() + usage.ru_utime + usage.ru_stime
        elif timeout is not None and waited > timeout:
            raise subprocess.TimeoutExpired(process.args, timeout)
        else:
            # Benchmarks time what runs: late by a hundredth of it at most.
            time.sleep(min(0.05, max(0.0005, waited / 100)))
    return process.returncode


def check(command, log, what, **options):
    """Like run(), but raise StepFailed, naming what was done, unless the exit status is 0."""
    status = run(command, log, **options)
    if status != 0:
        reason = 'ran out of time' if status == 'timeout' else 'exit status %s' % status
        raise StepFailed('%s: %s' % (what, reason), log)


def stop_everything():
    """Interrupt all that run() started, kill what goes on for GRACE seconds, and start nothing else."""
    _stopping.set()
    _signal_running(signal.SIGINT)
    deadline = time.monotonic() + GRACE
    try:
        while _running and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        # Also when the user is impatient.
        _signal_running(signal.SIGKILL)


def tail(log, lines=40):
    """Return the last lines of the file log as text."""
    try:
        with open(log, 'rb') as output:
            output.seek(0, os.SEEK_END)
            output.seek(max(0, output.tell() - 200 * lines))
            return '\n'.join(output.read().decode('utf-8', 'replace').splitlines()[-lines:])
    except OSError as error:
        return '(%s)' % error


def _signal_running(signum):
    with _running_lock:
        groups = list(_running)
    for group in groups:
        _signal_group(group, signum)


def _signal_group(group, signum):
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        pass  # Nothing of the group is left (macOS says so by EPERM).
