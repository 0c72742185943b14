"""
Tests of the Lua scripts against a real Redis, by the standard's vectors: state
before, call, answer, state after. transport.txt says how they are written.
"""
from __future__ import absolute_import, unicode_literals

import binascii
import re
import struct

from django.channels.compat import six
from django.channels.layers.transport import scripts
from django.channels.layers.transport.envelope import NEVER, deadline_of

from .redis_case import RedisTestCase
from .standards import vectors

#: The keys of acknowledged channels that have no expiry; transport.txt, section 17.1.
LASTING = re.compile(r'^channels:\{\d+\}:(?:acknowledged$|[ajrltoxyuk]:)')
#: How far (ms) a time of the server's may be from what a vector says: a test
#: is not always carried out at once.
TOLERANCE = 20000
#: What comes before put.lua to make its entry of its last three arguments: the
#: start, the end, and between them a deadline, so many ms from then.
WITH_DEADLINE = """
local moment = redis.call('TIME')
ARGV[9] = ARGV[9] .. struct.pack('>I8', moment[1] * 1000 + math.floor(moment[2] / 1000) + ARGV[11]) .. ARGV[10]
ARGV[10], ARGV[11] = nil, nil
redis.call('SET', 'sent', ARGV[9])
"""


def is_bytes(value):
    """Say whether a list in a vector is parts of one value, not several values."""
    return bool(value) and all(isinstance(part, dict) and 'any' not in part for part in value)


class Moment(object):
    """The server's time at a call, and the versions that it made."""

    def __init__(self, seconds, microseconds):
        self.ms = seconds * 1000 + microseconds // 1000
        self.versions = {}

    def write(self, value):
        """Return the bytes (of a number: text) that a vector's value stands for."""
        if isinstance(value, dict):
            return self._part(value) if 'hex' in value else '%d' % (self.ms + value['ms'])
        if not isinstance(value, list):
            return value.encode('ascii')
        return b''.join(self._part(part) if isinstance(part, dict) else part.encode('ascii') for part in value)

    def _part(self, part):
        if 'hex' in part:
            return binascii.unhexlify(part['hex'])
        return struct.pack(str('>Q'), self.ms + part['ms'])

    def matches(self, found, value):
        """Say whether what Redis holds or answers is what a vector says."""
        if isinstance(value, dict):
            if 'any' in value:
                return isinstance(found, six.integer_types if value['any'] == 'number' else bytes)
            return abs(float(found) - self.ms - value['ms']) <= TOLERANCE
        if isinstance(value, list):
            return self._parts_match(found, value)
        return found == (value.encode('ascii') if isinstance(value, six.text_type) else value)

    def _parts_match(self, found, parts):
        for part in parts:
            if isinstance(part, dict) and 'hex' not in part:
                number, = struct.unpack(str('>Q'), found[:8])
                if 'us' in part:
                    # A version by the time, the same wherever it has the same name.
                    if abs(number / 1000.0 - self.ms) > TOLERANCE:
                        return False
                    if self.versions.setdefault(part['us'], number) != number:
                        return False
                elif abs(number - self.ms - part['ms']) > TOLERANCE:
                    return False
                found = found[8:]
            else:
                expected = self._part(part) if isinstance(part, dict) else part.encode('ascii')
                if not found.startswith(expected):
                    return False
                found = found[len(expected):]
        return not found

    def answers(self, found, value):
        """Say whether an answer is what a vector says."""
        if isinstance(value, list) and not is_bytes(value):
            return isinstance(found, list) and len(found) == len(value) and all(map(self.answers, found, value))
        return self.matches(found, value)


class ScriptTests(RedisTestCase):

    def setUp(self):
        super(ScriptTests, self).setUp()
        self.vectors = vectors('scripts.json')['calls']

    def test_each_script_has_vectors(self):
        self.assertEqual({vector['script'] for vector in self.vectors}, {script.name for script in scripts.ALL})

    def test_calls_do_what_the_standard_says(self):
        by_name = {script.name: script for script in scripts.ALL}
        for vector in self.vectors:
            self.call(vector, by_name[vector['script']].text)

    def test_usual_cases_are_carried_out_as_the_others_would(self):
        # What comes before the rest of a script must make no difference.
        without = {script.name: script.text[len(first):] for script, first in (
            (script, scripts.read_text(name)) for script, name in (
                (scripts.SEND, 'send_first.lua'), (scripts.PUT, 'put_first.lua'), (scripts.TAKE, 'take_first.lua'),
                (scripts.ACKNOWLEDGE, 'acknowledge_first.lua'),
            )
        )}
        for vector in self.vectors:
            if vector['script'] in without:
                self.call(vector, without[vector['script']])

    def call(self, vector, text):
        self.redis.flushall()
        moment = Moment(*self.redis.time())
        self.put(moment, vector['before'])
        arguments = [moment.write(value) for value in vector['argv']]
        answer = self.redis.execute_command(
            'EVAL', text, len(vector['keys']), *(vector['keys'] + arguments)
        )
        self.assertTrue(moment.answers(answer, vector['answer']), '%s: %r' % (vector['name'], answer))
        self.compare(moment, vector)

    def test_a_deadline_on_an_acknowledged_channel_is_kept_if_it_is_right(self):
        usual = scripts.PUT.text
        for text in (usual, usual[len(scripts.read_text('put_first.lua')):]):
            for lifetime, added in ((0, NEVER), (5000, 5000)):
                for off in (-60, 60, -5000, 5000):
                    self.redis.flushall()
                    options, start, end = '100 %d 3 10' % lifetime, b'\1\1', b'\0\0body'
                    self.redis.execute_command(
                        'EVAL', WITH_DEADLINE + text, 1, 'channels:{0}:statistics', 'jobs', options, 86400000, '', 0,
                        0, '', '', start, end, added + off,
                    )
                    found, = self.redis.lrange('channels:{0}:a:jobs', 0, -1)
                    self.assertEqual((found[:2], found[10:]), (start, end))
                    self.assertEqual(found == self.redis.get('sent'), abs(off) < 100, (lifetime, off))

    def test_senders_know_the_deadline_on_acknowledged_channels(self):
        layer = self.make_layer(acknowledged={'jobs': {}, 'short': {'lifetime': 5}})
        for channel, added in (('jobs', NEVER), ('short', 5000), ('plain', 60000)):
            # By that it knows the server's time.
            layer.send(channel, {})
            sender = layer._transport.sender
            for request in (
                next(sender.send(channel, {})), next(sender.send_many([(channel, {})])).requests[0],
            ):
                command = request[1][0]
                deadline = deadline_of(command[command.rindex(b'\1\1\0'):])
                seconds, microseconds = self.redis.time()
                self.assertTrue(abs(deadline - added - seconds * 1000) < TOLERANCE, channel)

    def test_the_examples_of_jobs_are_what_a_server_does(self):
        for example in ('job', 'confirmation'):
            self.redis.flushall()
            self.follow(vectors('exchanges.json')[example])

    def follow(self, example):
        by_name = {script.name: script for script in scripts.ALL}
        moment = Moment(*self.redis.time())
        for call in example:
            if 'command' in call:
                if call['command'][0] == 'BLMPOP' and not self.pops_many():
                    call = {'command': ['LPOP', call['command'][3]], 'answer': call['answer'][1][0]}
                words = call['command']
            else:
                words = ['EVAL', by_name[call['script']].text, len(call['keys'])] + call['keys']
                words += [moment.write(value) for value in call['argv']]
            answer = self.redis.execute_command(*words)
            self.assertTrue(moment.answers(answer, call['answer']), '%r: %r' % (call, answer))

    def pops_many(self):
        return int(self.redis.info('server')['redis_version'].partition('.')[0]) >= 7

    def put(self, moment, state):
        for key, content in state.items():
            if 'string' in content:
                self.redis.set(key, moment.write(content['string']))
            for value in content.get('list', ()):
                self.redis.rpush(key, moment.write(value))
            for field, value in content.get('hash', {}).items():
                self.redis.hset(key, field, moment.write(value))
            for member in content.get('set', ()):
                self.redis.sadd(key, member)
            for member, score in content.get('zset', {}).items():
                self.redis.execute_command('ZADD', key, moment.write(score), member)

    def compare(self, moment, vector):
        name = vector['name']
        self.assertEqual({key.decode('ascii') for key in self.redis.keys('*')}, set(vector['after']), name)
        for key, content in vector['after'].items():
            if 'fields' in content:
                self.assertEqual(self.redis.hlen(key), content['fields'], name)
                continue
            if 'set' in content:
                members = {member.decode('ascii') for member in self.redis.smembers(key)}
                self.assertEqual(members, set(content['set']), name)
                continue
            if 'list' in content:
                found, values = self.redis.lrange(key, 0, -1), content['list']
                self.assertEqual(len(found), len(values), name)
                pairs = zip(found, values)
            else:
                if 'hash' in content:
                    found, values = self.redis.hgetall(key), content['hash']
                else:
                    found, values = {
                        member: ('%.0f' % score).encode('ascii')
                        for member, score in self.redis.zrange(key, 0, -1, withscores=True)
                    }, content['zset']
                self.assertEqual({field.decode('ascii') for field in found}, set(values), name)
                pairs = [(found[field.encode('ascii')], value) for field, value in values.items()]
            for data, value in pairs:
                self.assertTrue(moment.matches(data, value), '%s: %s has %r, not %r' % (name, key, data, value))
        for key in set(vector['after']) - set(vector['before']):
            self.assertEqual(self.redis.pttl(key) < 0, bool(LASTING.match(key)), '%s: expiry of %s' % (name, key))
        for key, ms in vector['expires'].items():
            self.assertLess(abs(self.redis.pttl(key) - ms), TOLERANCE, '%s: expiry of %s' % (name, key))
