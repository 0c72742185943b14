"""Worker processes: killed, replaced, reloaded, asked what they do."""
import contextlib
import fcntl
import http.client
import itertools
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import textwrap
import threading
import time

import pytest
import subject
from clients import get
from programs import PATIENCE, eventually, free_port

pytestmark = pytest.mark.both_eras


def done_by(path):
    """Return the process id that a job wrote into a file; None if it hasn't yet."""
    with contextlib.suppress(FileNotFoundError), open(path) as file:
        return int(file.read())


class Job:
    """A job that waits until it is told to go on."""

    def __init__(self, site, scratch, name):
        self.path = os.path.join(scratch, name)
        site.put('slow-job', self.path)
        self.pid = eventually(lambda: done_by(self.path + '.started'), 'the job starting')

    def finish(self):
        """Let it finish; return the process that did it."""
        open(self.path + '.go', 'w').close()
        return eventually(lambda: done_by(self.path + '.finished'), 'the job being done')


def test_a_busy_worker_is_behind_and_the_dashboard_finds_all_that_it_asks_for(site, scratch):
    port = free_port()
    file = os.path.join(scratch, 'health')
    worker = site.manage('runworker', '--management', '127.0.0.1:%d' % port, '--health-file', file)
    job = Job(site, scratch, 'long')
    site.put('slow-job', os.path.join(scratch, 'waits'))

    def health():
        return get(port, '/health').json()

    behind = eventually(lambda: health()['behind'], 'the message that waits being told of')
    assert eventually(lambda: health()['behind'] > behind, 'waiting longer')
    assert health()['running'] == 1
    ours, servers = asked_by_the_dashboard(site)
    assert len(ours) > 20 and len(servers) > 2
    # A family without samples is named at least; those of a histogram end otherwise.
    # What a worker counts is there once it has told the layer of it.
    eventually(lambda: ours <= families(get(port, '/metrics/all').text), 'all that is asked for being there')
    if site.has_interface_server:
        management = free_port()
        site.server('--management', '127.0.0.1:%d' % management)
        assert servers - families(get(management, '/metrics/all').text) == set()
    open(os.path.join(scratch, 'waits.go'), 'w').close()
    job.finish()
    eventually(lambda: health()['behind'] == 0, 'all being done')
    # The probe of docs/deployment.txt, also of a file that is old.
    probe = ['sh', '-c', 'test -n "$(find %s -mmin -1)"' % file]
    assert subprocess.call(probe) == 0
    worker.signal(signal.SIGSTOP)
    os.utime(file, (0, time.time() - 61))
    assert subprocess.call(probe) == 1
    worker.signal(signal.SIGCONT)
    eventually(lambda: subprocess.call(probe) == 0, 'the worker writing it again')


def asked_by_the_dashboard(site):
    """Return the names of metrics in grafana.json as it is installed: of layers and processes, and of servers."""
    code = 'import os; from channels import monitoring; print(os.path.dirname(monitoring.__file__))'
    folder = subprocess.check_output([site.python, '-c', code], text=True).strip()
    with open(os.path.join(folder, 'grafana.json')) as file:
        names = set(re.findall(r'\b(?:channels|interface_server)_[a-z_]+', ' '.join(
            target['expr'] for panel in json.load(file)['panels'] for target in panel['targets'])))
    servers = {name for name in names if name.startswith('interface_server_')}
    return names - servers, servers


def families(text):
    """Return the names that a scrape has for Prometheus."""
    return {
        name + ending for name, kind in re.findall(r'^# TYPE (\w+) (\w+)$', text, re.M)
        for ending in (['_bucket'] if kind == 'histogram' else [''])
    }


def test_a_process_that_dies_is_replaced_and_the_others_go_on(site, scratch):
    workers = site.manage('runworker', '--processes', '2')
    workers.wait_for('All 2 worker processes are ready.')
    first, second = Job(site, scratch, 'a'), Job(site, scratch, 'b')
    assert first.pid != second.pid
    os.kill(first.pid, signal.SIGKILL)
    workers.wait_for('ended with messages in flight, which are lost: 1 on slow-job')
    third = Job(site, scratch, 'c')
    assert third.pid not in (first.pid, second.pid)
    assert second.finish() == second.pid
    assert third.finish() == third.pid
    workers.signal(signal.SIGTERM)
    assert workers.wait_for_exit() == 0, workers.report()
    assert 'Traceback' not in workers.output


def sockets_of(pid):
    """Return the sockets that a process has open, as the kernel names them."""
    found = set()
    for name in os.listdir('/proc/%d/fd' % pid):
        # It may be closed by now.
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink('/proc/%d/fd/%s' % (pid, name)))
    return {target for target in found if target.startswith('socket:')}


def test_code_is_loaded_before_the_fork_and_connections_are_opened_after_it(site, scratch):
    workers = site.manage('runworker', '--processes', '2')
    workers.wait_for('All 2 worker processes are ready.')
    loaded_by, number = {}, itertools.count()

    def ask():
        path = os.path.join(scratch, 'origin%d' % next(number))
        site.put('origin-job', path)
        eventually(lambda: os.path.exists(path + '.finished'), 'an answer')
        with open(path + '.finished') as file:
            pid, parent = json.load(file)
        loaded_by[pid] = parent
        return len(loaded_by) == 2

    # Both wait, so each answers sooner or later.
    eventually(ask, 'answers of both')
    assert set(loaded_by.values()) == {workers.pid}
    first, second = (sockets_of(pid) for pid in loaded_by)
    assert first and second and not first & second
    assert not sockets_of(workers.pid)
    workers.signal(signal.SIGTERM)
    assert workers.wait_for_exit() == 0, workers.report()


def test_sighup_replaces_all_by_new_code_and_finishes_what_is_in_flight(site, scratch):
    workers = site.manage('runworker', '--processes', '2')
    workers.wait_for('All 2 worker processes are ready.')
    old = Job(site, scratch, 'old')
    consumers = os.path.join(site.project, 'site_under_test', 'consumers.py')
    with open(consumers) as file:
        source = file.read()
    try:
        # What can't be loaded leaves everything as it was.
        with open(consumers, 'w') as file:
            file.write(source + '\n)\n')
        workers.signal(signal.SIGHUP)
        workers.wait_for('The new code can\'t be loaded')
        with open(consumers, 'w') as file:
            file.write(source.replace("message['file'] + '.finished'", "message['file'] + '.new'"))
        workers.signal(signal.SIGHUP)
        workers.wait_for('All 2 worker processes are ready.', 2)
        for number in range(4):
            path = os.path.join(scratch, 'quick%d' % number)
            site.put('quick-job', path)
            eventually(lambda: done_by(path + '.new'), 'the new code')
        assert old.finish() == old.pid
    finally:
        with open(consumers, 'w') as file:
            file.write(source)
    workers.signal(signal.SIGTERM)
    assert workers.wait_for_exit() == 0, workers.report()


#: Code of a site whose second deployment comes while the first one's loads.
SECOND_DEPLOYMENT = """
import os, signal
if 'DJANGO_CHANNELS_INHERITED' in os.environ and not os.path.exists({path!r}):
    open({path!r}, 'w').close()
    os.kill(os.getpid(), signal.SIGHUP)
"""


def test_sighup_while_the_new_code_loads_loads_it_again(site, scratch):
    consumers = os.path.join(site.project, 'site_under_test', 'consumers.py')
    with open(consumers) as file:
        source = file.read()
    workers = site.manage('runworker', '--processes', '1')
    workers.wait_for('worker processes are ready')
    first = Job(site, scratch, 'first').finish()
    path = os.path.join(scratch, 'second-deployment')
    try:
        with open(consumers, 'w') as file:
            file.write(source + SECOND_DEPLOYMENT.format(path=path))
        workers.signal(signal.SIGHUP)
        workers.wait_for('worker processes are ready', 2)
    finally:
        with open(consumers, 'w') as file:
            file.write(source)
    assert os.path.exists(path)
    assert workers.output.count('Loading the new code.') == 2
    eventually(lambda: not is_running(first), 'the end of the first')
    workers.signal(signal.SIGTERM)
    assert workers.wait_for_exit() == 0, workers.report()


def test_a_killed_supervisor_takes_no_message_along(site, scratch):
    workers = site.manage('runworker', '--processes', '1')
    job = Job(site, scratch, 'a')
    workers.signal(signal.SIGKILL)
    assert job.finish() == job.pid
    eventually(lambda: not os.path.exists('/proc/%d' % job.pid), 'the worker ending')


def test_a_second_signal_ends_all_processes(site, scratch):
    workers = site.manage('runworker', '--processes', '1')
    job = Job(site, scratch, 'a')
    workers.signal(signal.SIGTERM)
    workers.wait_for('Shutdown signal received: finishing')
    workers.signal(signal.SIGINT)
    assert workers.wait_for_exit() == 0, workers.report()
    assert done_by(job.path + '.finished') is None


def test_sigusr1_tells_what_each_thread_does(site, scratch):
    worker = site.manage('runworker', '--threads', '2')
    job = Job(site, scratch, 'a')
    worker.signal(signal.SIGUSR1)
    worker.wait_for('slow-job, by site_under_test.consumers.slow_job, for ')
    worker.wait_for('consumers.py", line ')
    job.finish()
    worker.signal(signal.SIGTERM)
    assert worker.wait_for_exit() == 0, worker.report()


def read_until(fd, text, count):
    """Return what a terminal was told once it has `text` so many times."""
    told = b''
    while told.count(text) < count:
        assert select.select([fd], [], [], PATIENCE)[0], told
        told += os.read(fd, 65536)
    return told


def test_watch_redraws_a_terminal_until_ctrl_c(site):
    """What is no terminal gets plain lines, and both end without a traceback."""
    plain = site.manage('channels', 'watch', '--interval', '0.1')
    own, terminal = pty.openpty()
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 4, 40, 0, 0))
        before = termios.tcgetattr(terminal)
        program = subprocess.Popen(
            [site.python, 'manage.py', 'channels', 'watch', '--interval', '0.1'], cwd=str(site.project),
            env=dict(os.environ, **site.env), stdin=terminal, stdout=terminal, stderr=terminal,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        told = read_until(own, b'\x1b[H', 3)
        os.write(own, b'\x03')
        assert program.wait(PATIENCE) == 0
        told += read_until(own, b'^C', 1) if b'^C' not in told else b''
        assert termios.tcgetattr(terminal) == before
    finally:
        os.close(own)
        os.close(terminal)
    # Each picture has the rows that there are, less the cursor's, and none wraps.
    pictures = [picture.split(b'\x1b[J')[0] for picture in told.split(b'\x1b[H')[1:3]]
    assert [picture.count(b'\n') for picture in pictures] == [3, 3]
    assert all(len(line) <= 40 for picture in pictures for line in picture.replace(b'\x1b[K', b'').split(b'\r\n'))
    assert b'Channel layer default' in pictures[1] and b'more lines' in pictures[1] and b'Traceback' not in told
    plain.wait_for('Channel layer default', 2)
    plain.signal(signal.SIGINT)
    assert plain.wait_for_exit() == 0, plain.report()
    assert '\x1b' not in plain.output and 'Traceback' not in plain.output


def test_a_lone_worker_that_is_killed_leaves_nobody_waiting(site):
    if not site.has_interface_server:
        pytest.skip('daphne 1.4.2 stands here for the interface server')
    server, port = site.server()
    site.manage('runworker')
    pid = get(port, '/where/').json()['pid']
    answers = []
    client = threading.Thread(target=lambda: answers.append(get(port, '/wait/').status))
    client.start()
    worker = site.programs[-1]
    worker.wait_for('A view waits.')
    os.kill(pid, signal.SIGKILL)
    client.join(5)
    assert answers == [503]


def test_a_worker_ends_after_its_number_of_messages(site, scratch):
    worker = site.manage('runworker', '--max-messages', '1')
    path = os.path.join(scratch, 'quick')
    site.put('quick-job', path)
    assert worker.wait_for_exit() == 0
    assert done_by(path + '.finished') == worker.pid


def test_one_command_runs_a_site_and_reloads_it_without_refusing_anybody(site):
    if not site.has_interface_server:
        pytest.skip('the interface server needs Python 3.9')
    port = free_port()
    # A client of a machine that has much to do may pause for longer than a second.
    programs = site.manage('runchannels', '-p', port, '--processes', '1', '--server-option=--grace-time=10',
                           # Where the old server listens still.
                           '--server-option=--management=%d' % free_port())
    programs.wait_for('worker processes are ready')
    programs.wait_for_port(port)
    before = get(port, '/where/').json()['pid']
    statuses, stopped = [], threading.Event()

    def ask():
        while not stopped.is_set():
            statuses.append(get(port, '/hello/').status)

    def keep_asking():
        # One that keeps its connection until it is told otherwise, and sends
        # nothing twice, loses nothing.
        try:
            with contextlib.closing(http.client.HTTPConnection('127.0.0.1', port, timeout=PATIENCE)) as connection:
                while not stopped.is_set():
                    connection.request('POST', '/form/', 'word=x')
                    response = connection.getresponse()
                    response.read()
                    statuses.append(response.status)
        except (EnvironmentError, http.client.HTTPException) as error:
            statuses.append(repr(error))

    clients = [threading.Thread(target=target) for target in [ask] + [keep_asking] * 8]
    for client in clients:
        client.start()
    programs.signal(signal.SIGHUP)
    programs.wait_for('has a successor')
    programs.wait_for('worker processes are ready', 2)
    eventually(lambda: get(port, '/where/').json()['pid'] != before, 'the new worker alone')
    stopped.set()
    for client in clients:
        client.join()
    assert set(statuses) == {200}
    programs.signal(signal.SIGTERM)
    assert programs.wait_for_exit() == 0, programs.report()


def test_runchannels_ends_with_a_server_that_cannot_use_its_options(site):
    if not site.has_interface_server:
        pytest.skip('the interface server needs Python 3.9')
    programs = site.manage('runchannels', '-p', free_port(), '--processes', '1', '--asgi', 'nowhere')
    assert programs.wait_for_exit() == 2, programs.report()
    assert "'nowhere' doesn't say where the channel layer is" in programs.output


def test_a_killed_runchannels_takes_its_programs_along(sites, redis):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_DELAY='yes')
    if not site.has_interface_server:
        pytest.skip('the interface server needs Python 3.9')
    site.run('migrate', '-v', '0')
    port = free_port()
    programs = site.manage('runchannels', '-p', port, '--processes', '1', '--delay')
    programs.wait_for('worker processes are ready')
    programs.wait_for_port(port)
    started = dict(re.findall(r'Started the (.+), process (\d+)\.', programs.output))
    assert sorted(started) == ['delay server', 'interface server', 'workers']
    os.kill(int(started['delay server']), signal.SIGKILL)
    programs.wait_for('Started the delay server', 2)
    assert get(port, '/hello/?name=you').text == 'Hello, you!'
    pids = [int(pid) for pid in re.findall(r'Started the .+, process (\d+)\.', programs.output)]
    pids.append(get(port, '/where/').json()['pid'])
    programs.signal(signal.SIGKILL)
    eventually(lambda: not any(is_running(pid) for pid in pids), 'the end of its programs')


def is_running(pid):
    """Return whether the process has not ended."""
    try:
        with open('/proc/%d/stat' % pid) as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_worker_starts_anew_when_a_file_changes(site, scratch):
    worker = site.manage('runworker', '--reload')
    worker.wait_for('Listening on')
    consumers = os.path.join(site.project, 'site_under_test', 'consumers.py')
    with open(consumers) as file:
        source = file.read()
    try:
        with open(consumers, 'w') as file:
            file.write(source.replace("message['file'] + '.finished'", "message['file'] + '.new'"))
        times = itertools.count(int(os.stat(consumers).st_mtime) + 5, 5)

        def has_reloaded():
            # The reloader may not have looked at the file before it was changed.
            os.utime(consumers, (next(times),) * 2)
            return worker.output.count('Listening on') > 1

        eventually(has_reloaded, 'the worker starting anew')
        path = os.path.join(scratch, 'quick')

        def new_code_ran():
            # The file may have changed once more after the last start, and
            # what a worker has in hand when it starts anew is lost.
            site.put('quick-job', path)
            return done_by(path + '.new')

        eventually(new_code_ran, 'the new code')
    finally:
        with open(consumers, 'w') as file:
            file.write(source)


def changed(path, source):
    """Write a file that the reloader has to see as newer than any before."""
    then = int(os.stat(path).st_mtime) + 5 if os.path.exists(path) else int(time.time())
    with open(path, 'w') as file:
        file.write(source)
    os.utime(path, (then, then))


@pytest.mark.parametrize('name', ['consumers.py', 'models.py'])
def test_a_worker_that_reloads_outlives_code_that_does_not_load(site, scratch, name):
    """What a request would load, and what Django itself does before any command begins."""
    path = os.path.join(site.project, 'site_under_test', name)
    source = ''
    if os.path.exists(path):
        with open(path) as file:
            source = file.read()
    changed(path, source)
    worker = site.manage('runworker', '--reload')
    worker.wait_for('Listening on')

    def until(text, number, source):
        # The reloader may not have looked at the file before it was changed,
        # and what is changed too often never begins.
        looks = itertools.count()

        def has_come():
            if next(looks) in (0, 40, 160, 480):
                changed(path, source)
            return worker.output.count(text) >= number

        eventually(has_come, text)

    until('SyntaxError: ', 1, source + '\n)\n')
    until('Listening on', 2, source)
    quick = os.path.join(scratch, 'quick')

    def has_run():
        # What a worker has in hand when it starts anew is lost.
        site.put('quick-job', quick)
        return done_by(quick + '.finished')

    eventually(has_run, 'the job')
    worker.signal(signal.SIGTERM)
    worker.wait_for_exit()


def test_processes_whose_output_is_closed(site, scratch):
    command = [site.python, 'manage.py', 'runworker', '--processes', '1']
    workers = site.start('runworker', '/bin/sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', *command)
    first = Job(site, scratch, 'first').finish()
    workers.signal(signal.SIGHUP)
    eventually(lambda: not is_running(first), 'the end of the first')
    assert Job(site, scratch, 'second').finish() != first
    workers.signal(signal.SIGTERM)
    assert workers.wait_for_exit() == 0


def test_systemd_can_read_the_units_of_the_documentation(scratch):
    analyze = shutil.which('systemd-analyze')
    if analyze is None:
        pytest.skip('systemd-analyze is not installed')
    with open(os.path.join(subject.CHECKOUT, 'docs', 'deployment.txt')) as file:
        text = file.read()
    units = re.findall(r'([\w@-]+\.(?:service|socket))``[^`]*?:\n\n\.\. code-block:: ini\n\n((?:    .*\n|\n)+)', text)
    assert units
    for name, unit in units:
        # What it runs isn't installed here.
        unit = re.sub(r'(Exec\w+=[-+!]*)/srv/\S+', r'\1/bin/true', textwrap.dedent(unit))
        with open(os.path.join(scratch, name), 'w') as file:
            file.write(re.sub('(?m)^(User|WorkingDirectory)=.*\n', '', unit))
    paths = [os.path.join(scratch, name) for name, _ in units]
    checked = subprocess.run([analyze, 'verify'] + paths, capture_output=True, text=True, timeout=PATIENCE)
    complaints = [line for line in checked.stderr.splitlines() if scratch in line or 'mysite' in line]
    assert not complaints, complaints


@pytest.mark.parametrize('options', [[], ['--processes', '1']], ids=['alone', 'supervised'])
def test_a_service_manager_hears_of_readiness_and_life(site, scratch, options):
    address = os.path.join(scratch, 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE)
        worker = site.manage('runworker', *options, NOTIFY_SOCKET=address, WATCHDOG_USEC='500000')
        told = [manager.recv(4096) for _ in range(4)]
        while b'READY=1' not in told:
            told.append(manager.recv(4096))
        told += [manager.recv(4096) for _ in range(3)]
        assert told[-3:] == [b'WATCHDOG=1'] * 3
        worker.signal(signal.SIGTERM)
        while told[-1] == b'WATCHDOG=1':
            told.append(manager.recv(4096))
        assert told[-1] == b'STOPPING=1'
        assert worker.wait_for_exit() == 0, worker.report()
    assert set(told) == {b'READY=1', b'WATCHDOG=1', b'STOPPING=1'}


def test_supervisord_runs_the_programs_of_the_documentation(site, scratch):
    if not site.has_interface_server:
        pytest.skip('the interface server needs Python 3.9')
    # That of the environment that runs these tests.
    supervisord = os.path.join(os.path.dirname(sys.executable), 'supervisord')
    with open(os.path.join(subject.CHECKOUT, 'docs', 'deployment.txt')) as file:
        text = file.read()
    found = re.search(r'mysite\.conf``:\n\n\.\. code-block:: ini\n\n((?:    .*\n|\n)+)', text).group(1)
    port = free_port()
    programs = textwrap.dedent(found).replace('-p 8000', '-p %d' % port)
    programs = programs.replace('mysite.asgi:channel_layer', site.asgi)
    programs = programs.replace('/srv/mysite/venv/bin', os.path.dirname(site.python))
    programs = programs.replace('/srv/mysite', str(site.project)).replace('user=mysite\n', '')
    environment = ','.join('%s="%s"' % pair for pair in sorted(site.env.items()))
    programs = re.sub('environment=.*', lambda match: 'environment=' + environment, programs)
    path = os.path.join(scratch, 'supervisord.conf')
    with open(path, 'w') as file:
        file.write('[supervisord]\nnodaemon=true\nlogfile=%s/log\npidfile=%s/pid\n\n%s' % (scratch, scratch, programs))
    daemon = site.start('supervisord', supervisord, '-c', path)
    daemon.wait_for_port(port)
    assert get(port, '/hello/?name=you').text == 'Hello, you!'
    os.kill(get(port, '/where/').json()['pid'], signal.SIGKILL)
    # Of a signal to a program that it is about to execute, supervisord's child
    # takes note itself, and the program never hears of it.
    daemon.wait_for('success: mysite-worker_', 3)
    assert get(port, '/hello/?name=you').text == 'Hello, you!'
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_for_exit() == 0, daemon.report()
