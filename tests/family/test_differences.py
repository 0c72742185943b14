"""
The same calls on Channels 1.1.8 and on this project: the outcomes are the same, or the docs say why not.

CHANNELS_FAMILY_PYTHON is the Python of an environment with Channels 1.1.8 and
the Django of the one that runs this file, CHANNELS_FAMILY_PACKAGES a folder with
the asgi_redis that goes with it.
"""
from __future__ import unicode_literals

import io
import json
import os
import subprocess
import sys

import pytest
from differences import ALLOWED, allowed
from kinds import KINDS

HERE = os.path.dirname(os.path.abspath(__file__))
UPGRADING = os.path.join(os.path.dirname(os.path.dirname(HERE)), 'docs', 'upgrading.txt')


def start(python, *arguments, **variables):
    """Start run_cases.py, so that both sides run at the same time."""
    return subprocess.Popen(
        [python, os.path.join(HERE, 'run_cases.py')] + list(arguments), env=dict(os.environ, **variables),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def result(started):
    output, errors = started.communicate()
    assert started.returncode == 0, errors.decode('utf-8', 'replace')[-3000:]
    return json.loads(output.decode('utf-8'))


def both(*arguments):
    theirs = start(
        os.environ['CHANNELS_FAMILY_PYTHON'], *arguments, PYTHONPATH=os.environ['CHANNELS_FAMILY_PACKAGES'])
    ours = start(sys.executable, *arguments)
    return [result(each) for each in (theirs, ours)]


@pytest.fixture(scope='module')
def outcomes():
    return both()


@pytest.fixture(scope='module')
def names():
    return both('names')


def same(theirs, ours):
    """Return whether an outcome is the same; an exception may be of a class that derives from theirs."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if 'raised' in theirs and 'raised' in ours:
            return not theirs['raised'] or theirs['raised'][0] in ours['raised']
        keys = set(theirs) - {'trace'}
        return keys == set(ours) - {'trace'} and all(same(theirs[key], ours[key]) for key in keys)
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and all(same(*pair) for pair in zip(theirs, ours))
    return theirs == ours


def test_what_differs_is_documented(outcomes):
    theirs, ours = outcomes
    assert set(theirs) == set(ours) and len(theirs) > 1200
    differing = {name for name in theirs if not same(theirs[name], ours[name])}
    wrong = {name: (theirs[name], ours[name]) for name in sorted(differing - set(allowed()))}
    told = '\n'.join('%s:\n  1.1.8: %s\n  here:  %s' % (name, theirs[name], ours[name]) for name in sorted(wrong))
    assert not wrong, '%d of %d cases differ:\n%s' % (len(wrong), len(theirs), told)


def test_each_kind_has_cases(outcomes):
    cases = list(outcomes[0])
    missing = {(kind, begins) for kind, beginnings in KINDS.items() for begins in beginnings
               if not any(case.startswith(begins) for case in cases)}
    assert not missing


def test_what_is_documented_differs(outcomes):
    theirs, ours = outcomes
    unknown = set(allowed()) - set(theirs)
    assert not unknown
    alike = {name for name in allowed() if same(theirs[name], ours[name])}
    # Some differ on one of the two Pythons only.
    assert alike <= ONE_SIDED, sorted(alike - ONE_SIDED)


#: Cases that differ on Python 3.6 and Django 1.11, or on 2.7 and 1.8, but not on both.
ONE_SIDED = {
    'AsgiHandler: later', 'AsgiRequest: text as body', 'Group: text name', 'JsonWebsocketConsumer: not JSON',
    'WSClient.send: header',
    'WSClient.session: what a consumer writes, a test reads', 'WSClient.session: what a test writes, a consumer reads',
    'body in pieces: nothing in it', 'exceptions: close with text', 'names: delay model by label',
    'decorators around each other: a partial', 'decorators around each other: an object that can be called',
    'origins: port only with hosts of all kinds', 'users: a changed password', 'values: integer keys',
}


def raised_in(outcome):
    """Yield the names of the exceptions that an outcome of a case has."""
    if isinstance(outcome, dict):
        if outcome.get('raised'):
            yield outcome['raised'][0]
        outcome = [value for key, value in outcome.items() if key not in ('raised', 'trace')]
    for each in outcome if isinstance(outcome, list) else ():
        for name in raised_in(each):
            yield name


#: What an accident raises, rather than a check that says what is wrong.
ACCIDENTS = {'AttributeError', 'ImportError', 'KeyError', 'IndexError', 'NameError', 'UnboundLocalError'}
#: Attributes that are gone.
MISSING = {'Redis: blpop_timeout', 'Worker: in_job'}


def test_what_is_allowed_to_differ_is_no_accident(outcomes):
    ours = outcomes[1]
    assert {name for name in allowed() if ACCIDENTS.intersection(raised_in(ours[name]))} == MISSING


def test_the_words_are_in_the_documentation():
    with io.open(UPGRADING, encoding='utf-8') as page:
        text = ' '.join(page.read().split())
    missing = [words for words in ALLOWED if words not in text]
    assert not missing


#: Names of 1.1.8 that are not kept: nobody outside of it used them, or docs/upgrading.txt names what to use.
GONE = (
    # What 1.1.8 did inside: nobody's code was found to call it.
    'log.handler', 'message.PendingMessageStore', 'message.pending_message_store', 'routing.Router.normalise_re_arg',
    'routing.Router.resolve_routing', 'sessions.requeue_messages', 'sessions.wait_channel_name',
    'handler.AsgiHandler.handle_uncaught_exception', 'handler.AsgiHandler.process_exception_by_middleware',
    'staticfiles.StaticFilesHandler.handle_uncaught_exception',
    'staticfiles.StaticFilesHandler.process_exception_by_middleware', 'package_checks.required_versions',
    'binding.base.BindingMetaclass', 'management.commands.runserver.Command.handle',
    # Any class may be given; without one, the server is looked for.
    'management.commands.runserver.Command.server_cls',
    # "One ``Worker`` with ``threads``" in docs/upgrading.txt.
    'delay.worker', 'management.commands.runserver.WorkerThread', 'worker.Worker.install_signal_handler',
    'worker.Worker.sigterm_handler', 'worker.WorkerGroup.install_signal_handler', 'worker.WorkerGroup.sigterm_handler',
    # Server and workers are one process: "ChannelLiveServerTestCase" there.
    'test.ChannelLiveServerTestCase.ProtocolServerProcess', 'test.ChannelLiveServerTestCase.WorkerProcess',
    'test.liveserver.ChannelLiveServerTestCase.ProtocolServerProcess',
    'test.liveserver.ChannelLiveServerTestCase.WorkerProcess', 'test.liveserver.DaphneProcess',
    'test.liveserver.ProcessSetup', 'test.liveserver.WorkerProcess',
)


def fits(theirs, ours):
    """Return whether each call that the one signature allows is allowed by the other."""
    if theirs is None or ours is None or ours['more'] and ours['keywords']:
        return True
    begins_alike = ours['arguments'][:len(theirs['arguments'])] == theirs['arguments']
    needed = len(ours['arguments']) - ours['defaults']
    return (begins_alike or ours['more'] and not theirs['arguments']) and (
        needed <= len(theirs['arguments']) - theirs['defaults'] or theirs['more']) and (
        ours['keywords'] or not theirs['keywords'])


def test_all_public_names_are_there_and_take_what_they_took(names):
    theirs, ours = names
    wrong = []
    for module, members in sorted(theirs.items()):
        for name, signature in sorted(members.items()):
            path = '.'.join(filter(None, (module, name)))
            if path.startswith(GONE) or path.split('.')[-1] == 'ImportError':
                continue
            if name not in ours[module]:
                wrong.append(path + ' is missing')
            elif not fits(signature, ours[module][name]):
                wrong.append('%s takes %s, took %s' % (path, ours[module][name], signature))
    assert sum(len(members) for members in theirs.values()) > 300
    assert not wrong, '\n'.join(wrong)
