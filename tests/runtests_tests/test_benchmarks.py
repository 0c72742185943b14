"""What benchmarks/run.py is made of. Nothing is timed here."""
import asyncio
import http.server
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

import pytest

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from benchmarks import attacks, fuzz, hostile  # noqa: E402: found by the line above
from benchmarks.harness import (  # noqa: E402: found by the line above
    accounting, burst, cli, load, machine, numbered, own_site, report, schedule, sockets, statistics,
)
from benchmarks.harness.programs import Program, ProgramFailed, free_port  # noqa: E402
from benchmarks.harness.statistics import Figure, Goal, Metric  # noqa: E402
from benchmarks.harness.workload import Workload, split  # noqa: E402
from benchmarks.load.attacks import ATTACKS, LONG_REQUESTS, TAKE_WORKERS  # noqa: E402
from benchmarks.peers import PEERS  # noqa: E402
from benchmarks.workloads import WORKLOADS  # noqa: E402

WRK = """\
Running 1s test @ http://127.0.0.1:1/hello/
  1 threads and 50 connections
  Latency Distribution
     50%  223.67ms
     75%  250.00ms
     90%  300.00ms
     99%    1.50s\x20
  1712 requests in 8.05s, 176.89KB read
Requests/sec:    212.67
Transfer/sec:     21.97KB
"""


def a_workload(**changes):
    return Workload(**dict(dict(
        name='a', title='A title', metrics=(Metric('rate', '/s'), Metric('cpu', 'µs')), contenders=('ours', 'theirs'),
        goals=(Goal('rate', '>=', 2, 'theirs'), Goal('cpu', '<=', 10)),
    ), **changes))


# Statistics

def test_figures_are_medians_with_smallest_and_largest():
    figures = statistics.summarize([{'rate': 3}, {'rate': 1, 'lost': None}, {'rate': 10}])
    assert figures == {'rate': Figure(3, 1, 10, 3)}


def test_a_ratio_is_that_of_medians_and_none_where_there_is_no_figure():
    figures = {'ours': {'rate': Figure(6, 1, 9, 3)}, 'theirs': {'rate': Figure(2, 1, 9, 3)}, 'failed': {}}
    assert statistics.ratio(figures, 'rate', 'ours', 'theirs') == 3
    assert statistics.ratio(figures, 'rate', 'ours', 'failed') is None
    assert statistics.ratio(figures, 'rate', 'ours', 'nobody') is None


@pytest.mark.parametrize('goal, holds', [
    (Goal('rate', '>=', 3, 'theirs'), True), (Goal('rate', '>=', 3.1, 'theirs'), False),
    (Goal('rate', '<=', 3, 'theirs'), True), (Goal('rate', '<=', 1 / 3, 'theirs'), False),
    (Goal('rate', '>=', 6), True), (Goal('rate', '<=', 5), False), (Goal('rate', '>=', 1, of='theirs'), True),
    (Goal('rate', '<=', 4, 'theirs', is_more=True), True), (Goal('rate', '<=', 3, 'theirs', is_more=True), False),
    (Goal('rate', '>=', 1, 'failed', is_more=True), None),
    (Goal('rate', '>=', 1, 'failed'), None), (Goal('cpu', '>=', 1), None),
])
def test_goals_are_judged_by_ratio_or_by_figure(goal, holds):
    figures = {'ours': {'rate': Figure(6, 1, 9, 3)}, 'theirs': {'rate': Figure(2, 1, 9, 3)}}
    [verdict] = statistics.judge([goal], figures)
    assert verdict.holds is holds


def test_a_goal_needs_a_sense():
    with pytest.raises(ValueError, match="'>='"):
        Goal('rate', '>', 1)


def test_ratios_are_written_as_people_do():
    assert [statistics.factor(number) for number in (1 / 3, 0.5, 2.3, 0.85, 1 / 50)] == [
        '1/3', '0.5x', '2.3x', '0.85x', '1/50']


def test_the_slope_is_that_of_the_straight_line_through_the_points():
    assert statistics.slope([(0, 1), (1, 3), (2, 5)]) == pytest.approx((2, 1))
    assert statistics.slope([(1, 1), (1, 2)]) is None
    assert statistics.slope([]) is None


# Schedule

def test_each_round_has_all_contenders_and_begins_with_another():
    order = list(schedule.interleaved('ABC', 3))
    assert order == [(0, 'A'), (0, 'B'), (0, 'C'), (1, 'B'), (1, 'C'), (1, 'A'), (2, 'C'), (2, 'A'), (2, 'B')]
    assert list(schedule.interleaved([], 3)) == []


def test_a_contender_that_fails_is_an_error_and_the_others_go_on():
    told = []

    def measure(contender, number):
        if contender == 'B':
            raise OSError('no such thing')
        return {'rate': number}
    outcomes = schedule.carry_out('AB', 4, measure, lambda contender, error: told.append(contender))
    assert outcomes['A'] == ([{'rate': 0}, {'rate': 1}, {'rate': 2}, {'rate': 3}], None)
    assert outcomes['B'] == ([], 'OSError: no such thing')
    # And it was not tried more often than that.
    assert told == ['B'] * schedule.TRIES


def test_a_failure_does_not_take_what_was_measured_before():
    def measure(contender, number):
        if number == 1:
            raise OSError('once')
        return {'rate': number}
    outcomes = schedule.carry_out('A', 3, measure, lambda contender, error: None)
    assert outcomes['A'] == ([{'rate': 0}, {'rate': 2}], 'OSError: once')


def test_a_measurement_that_hangs_is_broken_off():
    reader, writer = os.pipe()
    try:
        outcomes = schedule.carry_out(
            'A', 1, lambda *arguments: os.read(reader, 1), lambda *arguments: None, limit=0.1,
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert outcomes['A'].samples == []
    assert 'Overdue' in outcomes['A'].error


# Accounting

def test_cpu_is_that_of_a_process_and_of_all_that_it_started():
    # A child of a child burns half a second of CPU, and says so.
    burner = 'import time\nwhile time.process_time() < 0.5: pass\nprint("burnt", flush=True)\ninput()'
    parent = 'import subprocess, sys; subprocess.run([sys.executable, "-c", sys.argv[1]])'
    with subprocess.Popen(
        [sys.executable, '-c', parent, burner], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    ) as process:
        assert process.stdout.readline() == b'burnt\n'
        stats = accounting.snapshot()
        assert len(accounting.family([process.pid], stats)) == 2
        # The last tick may not have been counted yet.
        assert accounting.cpu_seconds([process.pid], stats) >= 0.45
        assert accounting.memory([process.pid]) > 1000000
        process.communicate(b'\n')
    assert accounting.cpu_seconds([process.pid]) == 0


def test_the_name_of_a_process_may_hold_anything():
    stat = accounting.Stat('7 (a) b (c) S 3 7 5 0 -1 0 0 0 0 0 100 20 3 4 20 0 1 0')
    assert (stat.pid, stat.parent, stat.session) == (7, 3, 5)
    assert stat.seconds == pytest.approx(127 * accounting.TICK)


# Report

def outcomes():
    return {
        'ours': schedule.Outcome([{'rate': 1000, 'cpu': 4}, {'rate': 1200, 'cpu': 5}], None),
        'theirs': schedule.Outcome([], 'ProgramFailed: daphne ended\nTraceback ...'),
    }


def test_a_row_survives_json_and_shows_figures_errors_and_verdicts():
    row = json.loads(json.dumps(report.row(a_workload(), outcomes())))
    text = report.as_text(row)
    assert '1,100 (1,000..1,200)' in text
    assert 'failed: ProgramFailed: daphne ended' in text and 'Traceback' not in text
    assert '?       ours rate >= 2x of theirs: not measured' in text
    assert 'holds   ours cpu <= 10: 4.5' in text


def test_a_program_that_fails_names_no_folder_in_a_row(tmp_path):
    # The page has the first line; the log is for who has run it.
    program = Program('daphne', [sys.executable, '-c', 'raise SystemExit("no port")'], tmp_path / 'log', talks=True)
    try:
        with pytest.raises(ProgramFailed) as failure:
            program.answer()
    finally:
        program.stop()
    first, second = str(failure.value).splitlines()[:2]
    assert first == 'daphne ended without an answer (status 1).'
    assert str(tmp_path / 'log') in second and 'no port' in str(failure.value)


def test_the_page_gets_the_results_between_its_marks():
    page = 'before\n%s\nearlier results\n%s\nafter\n' % (report.BEGIN, report.END)
    facts = {'date': '2016-01-01', 'processor': 'P', 'cores': '2', 'system': 'Linux'}
    text = report.as_page(facts, [report.row(a_workload(), outcomes())])
    written = report.put_into_page(page, text)
    assert written.startswith('before\n') and written.endswith('\nafter\n')
    assert 'earlier' not in written and '1 goals hold, 0 are missed.' in written
    assert report.put_into_page(written, text) == written
    with pytest.raises(ValueError, match='no place'):
        report.put_into_page('nothing', text)


def test_the_page_of_the_documentation_has_its_marks():
    page = (CHECKOUT / 'docs' / 'benchmarks.txt').read_text(encoding='utf-8')
    assert page.count(report.BEGIN) == page.count(report.END) == 1


def test_growth_is_the_slope_between_logarithms():
    rows = [
        report.row(a_workload(name=str(x), series='by x', x=x), {'ours': schedule.Outcome([{'rate': 100 / x}], None)})
        for x in (4, 1, 2)
    ]
    [(points, exponent)] = report.growth(rows)['by x'].values()
    assert points == [(1, 100), (2, 50), (4, 25)]
    assert exponent == pytest.approx(-1)


def test_results_are_written_whole_and_read_again(tmp_path):
    path = tmp_path / 'results.json'
    rows = [report.row(a_workload(), outcomes())]
    report.write_json(path, {'date': 'today'}, rows)
    assert cli.read_rows(path) == {'a': json.loads(json.dumps(rows[0]))}
    assert cli.read_rows(tmp_path / 'none') == {}
    assert os.listdir(tmp_path) == ['results.json']


# Load

def test_wrk_is_read():
    assert load.parse_wrk(WRK) == {
        'requests': 1712, 'seconds': 8.05, 'p50': pytest.approx(0.22367), 'p99': 1.5}


@pytest.mark.parametrize(
    'line', ['Non-2xx or 3xx responses: 3', 'Socket errors: connect 0, read 0, write 0, timeout 2'],
)
def test_a_request_that_fails_is_an_error(line):
    with pytest.raises(ValueError, match='3 responses|timeout 2'):
        load.parse_wrk(WRK.replace('Requests/sec', '  %s\nRequests/sec' % line))


def test_a_server_that_closes_each_connection_is_none():
    line = 'Socket errors: connect 0, read 1712, write 0, timeout 0'
    assert load.parse_wrk(WRK.replace('Requests/sec', '  %s\nRequests/sec' % line))['requests'] == 1712


@pytest.fixture(scope='module')
def programs(tmp_path_factory):
    """The folder with wsload and wsceiling, compiled."""
    compiler = shutil.which('cc') or shutil.which('gcc')
    if compiler is None:
        pytest.skip('There is no C compiler')
    folder = tmp_path_factory.mktemp('load')
    for name in ('wsload', 'wsceiling'):
        command = [compiler, '-O1', '-Wall', '-Werror', '-Wno-unused-function', '-o', str(folder / name)]
        subprocess.run(command + [str(load.FOLDER / (name + '.c'))], check=True)
    return folder


@pytest.fixture(scope='module')
def ceiling(programs):
    """The port of a running wsceiling."""
    port = free_port()
    process = subprocess.Popen([str(programs / 'wsceiling'), str(port)])
    try:
        while True:
            try:
                socket.create_connection(('127.0.0.1', port), timeout=30).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
        yield port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize('arguments', [
    ['echo', 'PORT', '/echo/', '5', '0.2', '200'], ['broadcast', 'PORT', '/broadcast/', '7', '0.2', '70', '2'],
    ['steady', 'PORT', '/broadcast/', '7', '0.3', '70', '0.1'], ['connect', 'PORT', '/echo/', '3', '0.2'],
    ['idle', 'PORT', '/echo/', '9'],
], ids=lambda arguments: arguments[0])
def test_the_websocket_client_counts_what_it_does(programs, ceiling, arguments):
    command = [str(programs / 'wsload')] + [str(ceiling) if word == 'PORT' else word for word in arguments]
    answer = subprocess.run(command, input='go\n', stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout
    ready, done = [json.loads(line) for line in answer.splitlines()]
    assert ready['ready'] is True
    assert not done.get('closed') and not done.get('failed')
    if arguments[0] == 'echo':
        assert done['messages'] > 0 and 0 < done['p50'] <= done['p99']
    elif arguments[0] == 'broadcast':
        assert done['deliveries'] == done['expected'] == 7 * done['broadcasts'] > 0
    elif arguments[0] == 'steady':
        assert done['deliveries'] == done['expected'] == 7 * done['broadcasts'] == 21
        assert 0 < done['p50'] <= done['p99'] <= done['longest']
    elif arguments[0] == 'connect':
        assert done['connects'] > 0
    else:
        assert ready['sockets'] == done['sockets'] == 9


def test_a_client_of_the_soak_finds_gaps_and_repetitions():
    async def listen():
        listener = sockets.Listener()
        for number in (5, 6, 9, 9, 10):
            listener.number_received(number)
        return listener.lost, listener.repeated, listener.last
    assert asyncio.run(listen()) == (2, 1, 10)


def test_frames_are_read_however_they_come():
    whole = b'\x81\x02hi' + b'\x81\x7e\x01\x00' + b'x' * 256 + b'\x88\x02\x03\xf5'
    buffer, found = bytearray(), []
    for byte in whole:
        buffer.append(byte)
        found += sockets.frames(buffer)
    assert found == [(1, b'hi'), (1, b'x' * 256), (8, b'\x03\xf5')]
    assert not buffer


# Bursts

class Refuser(http.server.BaseHTTPRequestHandler):
    """Answers all but the first with 503."""
    protocol_version = 'HTTP/1.1'
    asked = 0

    def do_GET(self):
        status = 503 if Refuser.asked else 200
        Refuser.asked += 1
        self.send_response(status)
        if status == 503:
            self.send_header('Retry-After', '7')
        self.send_header('Content-Length', '0')
        self.send_header('Connection', 'close')
        self.end_headers()

    def log_message(self, format, *args):
        """Be silent."""


def test_clients_of_a_burst_get_the_answers_in_the_order_in_which_they_ask():
    with http.server.HTTPServer(('127.0.0.1', 0), Refuser) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            answers = burst.burst(server.server_port, '/', 3)
        finally:
            server.shutdown()
            thread.join()
    assert [(answer.status, answer.retry_after) for answer in answers] == [(200, None), (503, '7'), (503, '7')]
    assert all(answer.seconds > 0 for answer in answers)


def test_a_client_that_gets_no_response_is_an_error():
    with pytest.raises(ValueError, match='is not a response'):
        burst.parse(b'', 1)


# What is measured

def test_workloads_have_names_of_their_own():
    names = [workload.name for workload in WORKLOADS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize('workload', WORKLOADS, ids=lambda workload: workload.name)
def test_a_workload_names_peers_and_metrics_that_exist(workload):
    assert {split(contender)[0] for contender in workload.contenders} <= set(PEERS)
    metrics = {metric.name for metric in workload.metrics}
    for goal in workload.goals:
        assert goal.metric in metrics
        assert goal.of in workload.contenders
        assert goal.base is None or goal.base in workload.contenders
    assert (workload.series is None) == (workload.x is None)
    for name, kind in workload.stacks():
        assert hasattr(PEERS[name], 'start_' + kind.partition(',')[0])


@pytest.mark.parametrize('peer', PEERS.values(), ids=lambda peer: peer.name)
def test_what_is_compared_with_is_pinned(peer):
    ours = any(name in ('backport', 'patched_django') for name, extras in peer.wheels)
    assert ours or all('==' in requirement for requirement in peer.requirements)


def test_a_wheel_of_an_earlier_revision_is_built_from_that_revision(tmp_path):
    revision = subprocess.run(
        ['git', '-C', str(CHECKOUT), 'rev-list', '--max-parents=0', 'HEAD'], capture_output=True, text=True,
    ).stdout.split()
    if not revision:
        pytest.skip('not a git checkout')
    measured = machine.Machine(tmp_path, Recorder())
    seen = {}

    def build_wheel(name, source, parts):
        seen.update(name=name, files={path.name for path in source.iterdir()}, parts=parts)
        wheel = tmp_path / 'built-1.0-py3-none-any.whl'
        wheel.write_text('a wheel')
        return wheel
    measured.packages.build_wheel = build_wheel
    path = measured.wheel('backport@' + revision[0])
    listed = subprocess.run(
        ['git', '-C', str(CHECKOUT), 'ls-tree', '--name-only', revision[0]], capture_output=True, text=True,
    ).stdout.split()
    assert seen['files'] == set(listed)
    assert path.read_text() == 'a wheel'
    # Another machine finds it built.
    seen.clear()
    assert machine.Machine(tmp_path, Recorder()).wheel('backport@' + revision[0]) == path
    assert not seen


def test_a_revision_that_git_lacks_makes_a_peer_unavailable(tmp_path):
    with pytest.raises(machine.Unavailable, match='no revision 0000000'):
        machine.Machine(tmp_path, Recorder()).wheel('backport@0000000')


class Recorder:
    """A reporter that keeps to itself what it is told."""

    def progress(self, name, text):
        pass


def test_globs_choose_workloads_and_contenders():
    chosen = cli.select(WORKLOADS, ['layer-pair'], ['ours', 'redis-*'])
    assert [(workload.name, contenders) for workload, contenders in chosen] == [
        ('layer-pair', ['ours', 'redis-py/script', 'redis-py'])]
    with pytest.raises(ValueError, match='nothing-like-it'):
        cli.select(WORKLOADS, ['nothing-like-it'], [])
    with pytest.raises(ValueError, match='contender'):
        cli.select(WORKLOADS, [], ['nobody'])


def test_the_list_is_printed_without_making_anything(capsys, tmp_path):
    assert cli.main(['--list', '--cache', str(tmp_path / 'cache'), '--only', 'get']) == 0
    printed = capsys.readouterr().out
    assert 'goal: ours cpu <= 1/3 of channels1' in printed
    assert not (tmp_path / 'cache').exists()


# Attacks

def test_those_who_would_have_come_while_one_waits_count_too():
    assert attacks.while_it_lasted(7.0) == [7.0]
    assert attacks.while_it_lasted(45.0) == [45.0, 35.0, 25.0, 15.0]


def test_attacks_are_many_and_have_names_of_their_own():
    names = [attacks.name_of(attack) for attack in ATTACKS]
    assert len(names) == len(set(names)) >= 40 and LONG_REQUESTS < TAKE_WORKERS <= set(names)
    assert {attack.protocol for attack in ATTACKS} == {'HTTP/1.1', 'HTTP/2', 'WebSocket'}


@pytest.mark.parametrize('name, before, during, memory, lines, wrong', [
    ('pings', [10.0], [29.0], 10 ** 8, 20, ''),
    ('pings', [10.0], [31.0], 10 ** 8, 0, 'others wait 3.1 times as long'),
    ('pings', [1.0], [4.0], 10 ** 8, 0, ''),
    ('pings', [10.0], [10.0], 7 * 10 ** 8, 21, 'the server has 700 MB; 21 lines were logged'),
    ('a thousand streams at once', [10.0], [31.0], 10 ** 8, 0, 'others wait 3.1 times as long'),
    # Each of which takes 100 ms.
    ('responses without a window', [10.0], [299.0], 10 ** 8, 0, ''),
    ('responses without a window', [10.0], [301.0], 10 ** 8, 0, 'others wait 30.1 times as long'),
])
def test_attack_that_others_notice_is_beyond_its_limit(name, before, during, memory, lines, wrong):
    [attack] = [attack for attack in ATTACKS if (attack.protocol, attack.name) == ('HTTP/2', name)]
    long = 100.0 if attacks.name_of(attack) in LONG_REQUESTS else 0.0
    row = attacks.Row(attack, before, during, memory, 0.1, lines, long)
    assert '; '.join(row.wrong()) == wrong and name in str(row)


@pytest.mark.parametrize('hung, memory, log, wrong', [
    ([], [40e6, 50e6, 52e6], '', ''),
    (['it'], [40e6, 50e6, 53e6], '', 'no end: it; memory has grown by 6.0 %'),
    ([], [40e6, 50e6, 50e6], 'Traceback (most', 'a traceback: Traceback (most'),
])
def test_mutated_traffic_that_is_not_survived_is_told(hung, memory, log, wrong):
    assert '; '.join(fuzz.wrong_in([{'hung': hung}], memory, log)) == wrong


def test_hostile_clients_say_what_they_are_to_say():
    said = hostile.kinds()
    assert len(said) == len(set(said.values())) and all(each.startswith(b'PRI * HTTP/2.0') for each in said.values())


def its_last_work(error):
    yield 'memory has grown'
    raise error


@pytest.mark.parametrize('work, status, said', [
    ((), 0, ''),
    (its_last_work(machine.Unavailable('no Redis')), 1, 'WRONG: memory has grown\nWRONG: Unavailable: no Redis\n'),
    (its_last_work(KeyboardInterrupt()), 130, 'WRONG: memory has grown\n'),
])
def test_trouble_for_a_site_of_ours_says_what_was_wrong(work, status, said, tmp_path, capsys):
    assert own_site.run(lambda *arguments: work, tmp_path) == status
    assert capsys.readouterr().out == said


# Numbered jobs

def an_account(worked, *deaths, sent='c 0 10\nc 1 11\nf 2 12 LayerUnavailable'):
    return numbered.Account(sent.splitlines(), worked.splitlines(), deaths)


def test_what_was_confirmed_and_not_done_is_lost():
    account = an_account('b 0 7 10.1\nd 0 7 10.2\nb 1 7 11.1', numbered.Death('restarted', 11.5, 12))
    assert account.lost() == [1]
    assert account.oldest_lost() == 0.5
    assert account.figures()['failed'] == {'LayerUnavailable': 1}


def test_what_was_done_twice_is_explained_by_the_death_of_who_had_it_and_by_no_other():
    worked = 'b 0 7 10.1\nd 0 7 10.2\nb 0 8 23\nd 0 8 23.1\nb 1 8 11\nd 1 8 11.1'
    for death, explained in (
        (numbered.Death('killed', 10.3, 10.3, 7), True),
        (numbered.Death('killed', 10.3, 10.3, 8), False),
        # It was acknowledged long before.
        (numbered.Death('killed', 18, 18, 7), False),
        (numbered.Death('ended', 10.3, 11, 7), False),
        (numbered.Death('frozen', 10.15, 30, 7), True),
        # It was awake long before.
        (numbered.Death('frozen', 1, 2, 7), False),
        (numbered.Death('restarted', 9, 10.1), True),
        (numbered.Death('restarted', 20, 21), False),
    ):
        (number, first, second, why), = an_account(worked, death).twice()
        assert (number, why) == (0, death if explained else None), death


def test_who_has_frozen_may_end_what_another_has_done():
    frozen = numbered.Death('frozen', 10.2, 29.9, 7)
    # It had begun it, or taken it at least.
    for begun, why in ((10.1, frozen), (29.92, frozen), (40, None)):
        worked = 'b 0 7 %s\nb 0 8 23\nd 0 8 23.1\nd 0 7 %s' % (begun, begun + 20)
        assert an_account(worked, frozen).twice()[0][3] is why


def test_who_was_taken_for_dead_alive_is_counted():
    worked = 'b 0 7 10.1\nt 7 8 22.9\nb 0 8 23\nd 0 8 23.1\nd 0 7 24.2\nb 1 7 24.3\nd 1 7 24.4'
    account = an_account(worked, numbered.Death('frozen', 1, 2, 7))
    assert account.twice()[0][3] == numbered.Death(numbered.TAKEN, 22.9, 24.3, 7)
    assert account.figures()['deaths'] == {'frozen': 1, numbered.TAKEN: 1}
    # Who was killed, or frozen for so long, was not taken for dead for nothing.
    for death in numbered.Death('killed', 10.2, 10.2, 7), numbered.Death('frozen', 10.2, 23, 7):
        assert an_account(worked, death).deaths == [death]


def test_who_was_to_end_and_left_a_job_explains_nothing():
    worked = 'b 0 7 10.1\nd 0 7 10.2\nt 7 8 12\nb 0 8 12.1\nd 0 8 12.2'
    account = an_account(worked, numbered.Death('ended', 10.3, 11, 7))
    assert account.figures()['unexplained'] == 1


def test_what_a_killed_worker_was_doing_is_waited_for():
    worked = 'b 0 7 10\nb 0 8 22.5\nd 0 8 22.6\nb 1 7 10\nd 1 7 10.1'
    again, = an_account(worked, numbered.Death('killed', 10.5, 10.5, 7)).redelivered()
    assert again == numbered.Again(12.0, 0, 7, 0, [], False)


def test_a_job_that_was_held_by_several_that_died_has_the_time_for_each():
    deaths = numbered.Death('killed', 10.5, 10.5, 7), numbered.Death('frozen', 24, 41, 8)
    busy = ''.join('\nb %d 9 %d' % (second, second) for second in range(9, 45))
    for attempt, holders, others, is_late in ((2, 1, [], True), (3, 2, [8], False)):
        worked = 'b 0 7 10 1\nt 7 8 23\nt 8 9 37\nb 0 9 38.5 %d\nd 0 9 38.6' % attempt
        account = an_account(worked + busy, *deaths)
        again, = account.redelivered()
        assert again == numbered.Again(28.0, 0, 7, holders, others, is_late)
        assert account.figures()['late'] == is_late
        assert ('worker 8 was frozen at 24.0, for 17.0 s' in account.describe(again)) is not is_late


def test_nobody_is_taken_for_dead_while_no_server_or_no_worker_is_there():
    worked = 'b 0 7 10 1\nt 7 8 37\nb 0 9 38.5 2'
    for away, restarts in ((range(0), []), (range(0), [numbered.Death('restarted', 20, 24)]), (range(17, 24), [])):
        busy = ''.join('\nb %d 9 %d' % (second, second) for second in range(9, 45) if second not in away)
        again, = an_account(worked + busy, numbered.Death('killed', 10.5, 10.5, 7), *restarts).redelivered()
        assert again.is_late is not (bool(away) or bool(restarts))


def test_the_table_of_numbered_jobs_says_what_was_lost():
    figures = an_account('b 0 7 10.1\nd 0 7 10.2\nb 1 7 11.1', numbered.Death('restarted', 11.5, 12)).figures()
    _, row = report.align([numbered.TABLE_HEAD, numbered.table_row('redis', 'ours', figures)])
    assert row.split() == 'redis ours 2 1 1 0.5 s 0 0 1 -'.split()


def test_what_was_done_long_before_is_explained_where_more_time_is_given():
    worked, death = 'b 0 7 10.1\nd 0 7 10.2\nb 0 8 23\nd 0 8 23.1', numbered.Death('killed', 18, 18, 7)
    account = numbered.Account(['c 0 10'], worked.splitlines(), [death], window=15)
    assert account.twice()[0][3] is death
