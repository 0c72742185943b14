"""
What may differ from Channels 1.1.8, and which words of docs/upgrading.txt say so.

A case that differs and isn't here fails; so does one that is here and doesn't
differ on any Python, and words that the page doesn't have.
"""
from __future__ import unicode_literals

#: Words of docs/upgrading.txt -> the cases that they allow to differ.
ALLOWED = {
    'get_containing_app_config()': ['names: app config by module', 'names: delay model by label'],
    'what is not a dict': [
        'Group: list sent', 'Group: text sent', 'Group: None sent',
        'Group: message object sent', 'layer: send a list'],
    'A wrong name of a channel or group': [
        'Channel: number as name', 'Group: number as name', 'layer: send to a bad name',
        'layer: receive from a bad name', 'layer: group with a bad name', 'Message: with a layer alone'],
    'takes the codes that an application may use': [
        'exceptions: close with 1', 'exceptions: close with 1006', 'exceptions: close with text',
        'exceptions: what closing sends'],
    'Some errors have another class and say more': [
        'route: broken pattern', 'BaseConsumer: as_route with a wrong attrs', 'definition: no stream',
        'inbound: no action', 'AsgiRequest: without a method', 'AsgiRequest: without a path',
        'AsgiRequest: text as body', 'WSClient.receive: empty text'],
    'What failed in 1.x works': [
        'http_session: without a path', 'body in pieces: nothing in it', 'WSClient.connect: welcome',
        'WSClient.connect: both', 'WSClient.receive: closed', 'Group: text name', 'name_that_thing: class method',
        'WSClient.session: what a test writes, a consumer reads',
        'WSClient.session: what a consumer writes, a test reads', 'users: frames with the live session',
        'AsgiHandler: later', 'origin: debug without allowed hosts', 'WebsocketConsumer.send: close alone',
        'inbound: unknown field', 'channel_session: message by keyword', 'enforce_ordering: message by keyword',
        'channel_session_user: message by keyword', 'origin: headers as a dict',
        'the HTTP session of a socket: a list that grows', 'the HTTP session of a socket: written later',
        'origins: v6 with hosts of all kinds', 'origins: port only with hosts of all kinds',
        'decorators around each other: a partial',
        'decorators around each other: an object that can be called',
        'routings of a program: None in the content', 'routings of a program: a list in the content',
        'routings of a program: numbers in the content', 'tests of a program: a close code',
        'requests of a program: two cookie headers', 'attributes that are replaced: the same in a consumer'],
    'from the consumer of a frame fails that consumer': ['workers of a program: a denial of a frame'],
    'there the consumer failed in 1.x': ['origins: half a v6', 'origins: half a v6 with hosts of all kinds'],
    'names that begin with ``__``': ['a channel session over several messages: with a user'],
    'An object that is saved under a new key': ['what a binding sends of a model with a key of text: another key'],
    'A frame that is not JSON, or not what': [
        'JsonWebsocketConsumer: not JSON', 'WebsocketDemultiplexer over a socket: payload that is text',
        'what clients ask a binding for: create with null data',
        'what clients ask a binding for: create without data', 'what clients ask a binding for: update without data',
        'what clients ask a binding for: update with what is no number',
        'what clients ask a binding for: update of a date that is none',
        'what clients ask a binding for: update without a key'],
    'when its body is read, not when it is made': [
        'body in pieces: closed, when the request is made', 'body in pieces: closed, when the body is read',
        'body in pieces: late, when the request is made', 'body in pieces: late, when the body is read'],
    'instead of in ``_pre_setup()``': ['ChannelTestCase: hooks that a fixture calls'],
    'keep the key of a channel session': [
        'channel_session in the first consumer: cycle_key',
        'channel_session: a login in the first consumer, and the next message'],
    'isn\'t saved. In 1.x': [
        'channel_session: a consumer that fails keeps what it wrote', 'Worker: what a failing consumer has sent',
        'Worker: a consumer that exits'],
    'deleted when its socket closes': ['channel_session: rows after the socket'],
    'created when it is first saved': ['channel_session in the first consumer: exists'],
    'CHANNEL_SESSION_KEY_IN_QUERY': [
        'http_session: query', 'http_session: query in bytes', 'http_session: the query wins over the cookie'],
    'under a key that no cookie has': ['http_session: what is written to one that is gone'],
    'never ends or moves the session': ['users: a changed password'],
    '``transfer_user()`` from a session': ['transfer_user: nobody to somebody'],
    'What a client creates through a data binding': ['bindings by hand: create of what is not bound'],
    'decodes a frame in ``receive_frame()``': ['consumers that a program has made of classes: frames as they are'],
    'The reply channel of a client has the form': [
        'attributes that are replaced: the reply channel of a client, received by hand'],
    'no longer blocks the messages after it': ['enforce_ordering: a consumer that fails'],
    'must be a number, and a message whose number has been handled already': [
        'enforce_ordering: order as text', 'enforce_ordering: a number twice'],
    'An empty ``Origin``': ['origin by NotEvil: empty'],
    'both ``text`` and ``bytes``': ['WebsocketConsumer: bytes', 'WebsocketConsumer.send: both'],
    "reads an object's former state from the database": [
        'outbound: comes in', 'outbound: goes out', 'outbound: what group_names is asked about'],
    '``signal_kwargs`` has': ['outbound: signal kwargs'],
    '``REMOTE_ADDR`` is always there': [
        'AsgiRequest: META without an address', 'AsgiRequest: META port of the client'],
    'Each header of a response is a list': ['encode_response: form of a header'],
    'is dropped and logged with the channel\'s name': ['Worker: deferred too often'],
    'one ``Worker`` with ``threads``': [
        'Worker: in_job', 'Worker: methods', 'Worker: group has the rest', 'commands: worker thread'],
    'A delayed message whose content': ['DelayedMessage: content that is not JSON'],
    'bytes, as servers send them': ['WSClient.send: header', 'WSClient.send: attributes'],
    'A ``WSClient`` keeps its path': ['WSClient.send: path after another'],
    'the types of JSON, and bytes': [
        'values: set', 'values: integer keys', 'values: datetime', 'values: Decimal', 'values: UUID',
        'values: object'],
    'instead of 10': ['layer: the default capacity'],
    '``asgi_redis.RedisSentinelChannelLayer`` by': ['Redis: class for Sentinels'],
    '``asgi_redis.RedisLocalChannelLayer`` and': ['Redis: class for one machine'],
    '``stats_prefix``, which you remove': ['Redis: stats_prefix'],
    'in place of ``blpop_timeout``': ['Redis: blpop_timeout'],
}


def allowed():
    """Return {case: the words that allow it to differ}."""
    return {case: words for words, cases in ALLOWED.items() for case in cases}
