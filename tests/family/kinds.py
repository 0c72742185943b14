"""
What code of the 1.x family does, and the cases that compare it; a case is named by its beginning.
"""
from __future__ import unicode_literals

KINDS = {
    'A class of its own that checks origins is asked only about origins that are there': [
        'origin by ', 'origin: get_header', 'origin: headers as a dict', 'origins'],
    'The first consumer of a socket saves, cycles, deletes or logs in': [
        'channel_session in the first consumer', 'channel_session: a login in the first consumer'],
    'Sessions that consumers of a socket share': ['a channel session', 'the HTTP session of a socket', 'message.user'],
    'Decorators around each other': ['decorators around each other'],
    'Methods that are overridden are called as they were': [
        'outbound: pre_change_receiver', 'outbound: own receivers', 'outbound: signal kwargs',
        'definition: registered models', 'outbound: own serialize'],
    'Apps are known by their old names': ['names: app', 'names: delay'],
    'Named groups that take no part are None': [
        'route: optional group', 'route: two optional groups', 'include: optional group'],
    'Prefixes may have positional groups, and includes be included': [
        'include: positional group', 'include: an include', 'include: another include'],
    'Names that others import': ['name_that_thing', 'include: routing attribute'],
    'Attributes that a class-based consumer sets': [
        'users of class-based consumers', 'WebsocketConsumer.send: path is set'],
    'Tools for tests': [
        'WSClient', 'apply_routes', 'ChannelTestCase', 'Message: without a channel and a layer',
        'AsgiRequest: headers as a dict', 'http_session: headers as a dict', 'AsgiRequest: a cookie in a dict'],
    'Classes for consumers that override what they may': [
        'class-based consumers', 'WebsocketDemultiplexer over a socket'],
    'Models whose fields and keys are of all types': ['what a binding sends', 'bindings of a program'],
    'Routers by themselves, and prefixes of all forms': ['routings of a program', 'Router'],
    'What tests, workers and views of programs do': [
        'tests of a program', 'workers of a program', 'requests of a program', 'delayed messages of a program'],
    'Close codes': ['exceptions: close'],
    'A session key in the query': ['http_session: query', 'http_session: the query wins'],
    'Arguments of DelayedMessage.send()': ['DelayedMessage'],
    'A socket that is open over the upgrade': ['channel_and_http_session: a socket that was opened on Channels 1.1.8'],
    'Order of messages': ['enforce_ordering'],
    'What is not a message, and aliases that are not there': [
        'channel_session: no message', 'http_session: with something else', 'layers: unknown alias'],
    'Hooks of commands and workers': [
        'commands: runserver hooks', 'commands: worker thread', 'Worker: in_job', 'Worker: methods'],
    'What clients ask a binding for': ['inbound', 'what clients ask a binding for'],
    'Values in messages': ['values'],
    'Patterns of bytes, and routes as text': ['route: bytes pattern', 'route: text form'],
    'The version': ['names: version is 1.1 or later'],
    'Options of the layers': ['Redis', 'layer'],
    'Attributes of instances that are read and replaced': ['attributes of', 'attributes that are replaced'],
    'Mocks in the place of layers': ['what a test passes off as a layer'],
    'Decorators around each other, and who is logged in there': ['message.user of decorators around each other'],
    'Messages that a test makes of their content alone': ['messages without a channel and a layer'],
    'Sessions that a program opens itself': ["sessions of a program's own"],
    'Requests made of the messages of sockets': ["requests that a socket's consumer makes"],
    'Classes with methods that are decorated, replaced or of other protocols': [
        'consumers that a program has made of classes'],
    'Bindings whose methods a program calls or replaces': ['bindings by hand'],
    'Signals of workers, and frames without a route in tests': [
        'workers that a program starts', 'tests that a program has'],
    'Bodies that break off': ['body in pieces'],
}
