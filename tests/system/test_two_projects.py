"""
Two projects on one prefix: the second is refused, whatever it begins with.
"""
import os

from programs import PATIENCE, eventually

REASON = 'Processes of another project are at work on this layer'
OTHER = {'SUT_KEY': 'the key of another project'}


def refused(program):
    """Return whether `program` has ended with an error, and with the reason."""
    return program.wait_for_exit(PATIENCE) != 0 and REASON in program.report()


def ends_with_the_reason(program):
    """Say whether `program` ends with an error that says why."""
    return program.wait_for_exit(PATIENCE) != 0 and REASON in program.output and 'Traceback' not in program.output


def has_ended(program):
    return program.process.poll() is not None


def test_of_two_workers_that_begin_at_once_one_is_refused(site):
    programs = [site.manage('runworker'), site.manage('runworker', **OTHER)]
    eventually(lambda: any(map(has_ended, programs)), 'the end of one')
    [winner] = [program for program in programs if not has_ended(program)]
    [loser] = [program for program in programs if program is not winner]
    assert ends_with_the_reason(loser), loser.report()
    winner.wait_for('Listening on')
    # What it has claimed ends with it, and the other one may begin.
    winner.stop()
    site.manage('runworker', **(OTHER if loser is programs[1] else {})).wait_for('Listening on')


def test_every_kind_of_process_is_refused_unless_it_is_told_otherwise(site):
    # On old Djangos each runserver makes the table of migrations if it is missing, and two of them would at once.
    site.run('migrate', '-v', '0')
    site.manage('runworker').wait_for('Listening on')
    server = os.path.join(os.path.dirname(site.python), 'interface-server')
    programs = [
        site.manage('runworker', '--processes', '2', **OTHER),
        site.manage('runserver', '--noreload', '127.0.0.1:0', **OTHER),
        site.manage('runserver', '--noreload', '--noworker', '127.0.0.1:0', **OTHER),
        site.manage('rundelay', SUT_DELAY='yes', **OTHER),
    ]
    if site.has_interface_server:
        programs.append(site.start('interface-server', server, '-p', '0', site.asgi, **OTHER))
        programs.append(site.manage('runchannels', '--port', '0', '--asgi', site.asgi, **OTHER))
    for program in programs:
        assert ends_with_the_reason(program), program.report()
    site.manage('runworker', '--any-project', **OTHER).wait_for('Listening on')
    # The first one's go on, and so do those of the second, which is known now.
    site.manage('runworker').wait_for('Listening on')
    site.runserver(**OTHER)
