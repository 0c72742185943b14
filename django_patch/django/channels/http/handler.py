"""
Django's middleware and views, called for a request message.
"""
from __future__ import absolute_import

import logging
import sys
import threading
from importlib import import_module

from django import http
from django.core.handlers import base

from .. import outbox
from ..compat import BAD_REQUEST_ERRORS, URLS_MODULE, six
from ..compat.coroutines import SUPPORTS_ASYNC
from ..exceptions import MalformedMessage, RequestAborted, RequestTimeout, ResponseLater
from ..failures import is_of_operator
from ..request_log import describe_requests, facts_of
from . import request_signals
from .async_views import AsyncViews
from .client import Client, send_with_others
from .encoding import ResponseEncoding
from .errors import ErrorResponses
from .gathering import QUICK, Gatherer
from .request import ChannelRequest

logger = logging.getLogger('django.request')
urls = import_module(URLS_MODULE)
get_ident = six.moves._thread.get_ident


class ChannelHandler(ErrorResponses, ResponseEncoding, base.BaseHandler):
    """
    Turns a request message into reply messages, as often as it is called.

    What a WSGI server does for Django's WSGI handler is done here: what even
    Django's own error handling raises is logged and answered with a plain
    500, and the response is always closed.
    """
    request_class = ChannelRequest
    #: Seconds after a piece within which the next one is no slow one.
    quick = QUICK
    #: What a request that can't be read raises.
    bad_request_errors = BAD_REQUEST_ERRORS + (MalformedMessage,)
    #: Does it yield None while a response with an async iterator has nothing
    #: to say, so that the caller can look for its client?
    yields_pauses = False

    def __init__(self, *args, **kwargs):
        #: Is it for get_response_async() and asynchronous.views?
        self.is_async = kwargs.pop('is_async', False)
        super(ChannelHandler, self).__init__(*args, **kwargs)
        describe_requests()
        self._load_lock = threading.Lock()
        self._loaded = False

    def __call__(self, message):
        """
        Yield the reply messages for `message`, an "http.request" Message.

        There is none if the view raised ResponseLater, or if the client went
        away before its request was complete. Close the generator to break
        off a response.
        """
        # A consumer may have us called in a thread of its own.
        is_isolated, request = message.isolated_in == get_ident(), None
        # To ask for it takes longer than to read a request.
        prefix = is_isolated and message.script_prefix or urls.get_script_prefix()
        try:
            request, response = self._respond(message, prefix)
            try:
                if not self.is_answered_otherwise(request, response):
                    for reply in self.encode(request, response):
                        if reply is not None or self.yields_pauses:
                            yield reply
            finally:
                # A URLconf of the request's own is for nothing behind it.
                request_signals.close(response, is_isolated and not hasattr(request, 'urlconf'))
        finally:
            if request is None or request.script_name + '/' != prefix:
                # Other consumers of this thread have no request and no prefix.
                urls.set_script_prefix(prefix)

    def _respond(self, message, prefix):
        """Return (request, response), below a script prefix; the request is None if it is broken."""
        request = None
        try:
            self.load_once()
            try:
                request = self.request_class(message)
            except self.bad_request_errors as error:
                request_signals.start(self.__class__, message, {})
                response = self.bad_request(error, message)
            else:
                if request.script_name + '/' != prefix:
                    urls.set_script_prefix(request.script_name)
                request_signals.start(self.__class__, message, request.META)
                response = self.end_request(request, self.get_response(request))
                response = self.send_jobs(request, response, outbox.current())
        except BaseException as error:
            # A view may raise anything: SystemExit, a CancelledError.
            if is_of_operator(error):
                raise
            if not isinstance(error, Exception):
                # Django's own handling of errors has let it through.
                self.drop_sends()
            response = self.uncaught_error(request, sys.exc_info())
        # What request_finished gives as its sender.
        response._handler_class = self.__class__
        if isinstance(response, http.FileResponse):
            response.block_size = self.chunk_size
        return request, response

    def end_request(self, request, response):
        """Return `response`, or what takes its place if the request's body didn't come."""
        if isinstance(request.body_failure, RequestTimeout) and response.status_code in (403, 500):
            # Of middleware, which gives up a body that it can't read:
            # Django's own, with the token of a form in it, takes that for a
            # forgery.
            return self._replace(response, self._timed_out(request))
        return response

    def load_once(self):
        """Load the middleware, if that hasn't been done."""
        # Not in the constructor: a routing makes one of us, and may be
        # imported before the middleware can be.
        if not self._loaded:
            with self._load_lock:
                if not self._loaded:
                    self.load_middleware()

    def load_middleware(self):
        if self.is_async:
            super(ChannelHandler, self).load_middleware(is_async=True)
        else:
            super(ChannelHandler, self).load_middleware()
        # First in line, because what a view of channels raises is not an error
        # that other middleware should see.
        self._exception_middleware.insert(0, self._answer_exception)
        self._loaded = True

    def make_view_atomic(self, view):
        make_atomic = super(ChannelHandler, self).make_view_atomic
        if make_atomic(view) is view:
            return view

        def promising(request, *args, **kwargs):
            try:
                return view(request, *args, **kwargs)
            except ResponseLater as promise:
                # A promise is not a failure, so the transaction around the
                # view is committed.
                return self._answer_exception(request, promise)
        promising._non_atomic_requests = getattr(view, '_non_atomic_requests', set())
        return make_atomic(promising)

    def _answer_exception(self, request, exception):
        """Return the response for what only requests over channels raise."""
        if isinstance(exception, ResponseLater):
            request.response_later = True
            return http.HttpResponse()
        self.drop_sends()
        if isinstance(exception, IOError):
            if isinstance(request.body_failure, RequestTimeout):
                return self._timed_out(request)
            if isinstance(request.body_failure, RequestAborted):
                return http.HttpResponseBadRequest()
        return None

    def drop_sends(self):
        """Drop what the view has sent so far."""
        # As for any consumer that raises: nobody hears of what a view did
        # before it failed.
        held = outbox.current()
        if held is not None:
            held.clear()

    def is_answered_otherwise(self, request, response):
        """Return whether nobody waits for `response`."""
        if request is None:
            return False
        if isinstance(request.body_failure, RequestAborted):
            logger.info('Client went away: %s', request.path, extra={'request': request})
            return True
        # An error in the middleware around the view keeps it from keeping
        # its promise, for all that is known.
        return request.response_later and response.status_code < 500


class ViewConsumer(object):
    """
    The consumer for "http.request": Django's views.

    Replies go out at once. A full reply channel holds the view up, for
    `send_timeout` seconds at most; then the client is given up. A streaming
    response ends early if its client goes away.

    A request for an async view makes a coroutine, which a worker runs on its
    event loop.
    """
    handler_class = ChannelHandler
    #: Seconds to wait for room for one reply, while the client is there: a
    #: slow one may take so long for what has come before.
    send_timeout = 300.0

    def __init__(self):
        self.handler = self.handler_class()
        self.handler.yields_pauses = True
        self._async_handler = None
        self._async_views = AsyncViews()

    def __call__(self, message):
        if message.reply_channel is None:
            raise MalformedMessage('An http.request message needs a reply_channel; this one has %s.' % (
                ', '.join(sorted(message.keys())) or 'nothing',
            ))
        if SUPPORTS_ASYNC and self._async_views.has(message):
            from ..asynchronous.views import respond
            if self._async_handler is None:
                self._async_handler = self.handler_class(is_async=True)
            return respond(self._async_handler, message, self.send_timeout)
        client, replies = None, self.handler(message)
        try:
            for reply in replies:
                if client is None:
                    if reply is not None and send_with_others(message, reply, self.send_timeout):
                        continue
                    client = Gatherer(Client(message, self.send_timeout))
                if message.is_streaming and self._has_to_end(message):
                    client.send({'content': b'', 'more_content': False, 'closed': True})
                    break
                if reply is not None and reply.get('more_content'):
                    message.is_streaming = True
                if client.has_left() if reply is None else not client.send(reply):
                    logger.info('Client went away: %s', message.get('path'))
                    break
        except message.channel_layer.ChannelFull:
            logger.warning(
                'Gave up on a response to %s: for %s seconds there was no room in %s.', message.get('path'),
                self.send_timeout, message.reply_channel, extra=dict(facts_of(message), status_code=503)
            )
        finally:
            if client is not None:
                client.close()
            replies.close()

    def _has_to_end(self, message):
        are_streams_over = message.channel_layer.are_streams_over
        if are_streams_over is None or not are_streams_over():
            return False
        logger.warning('The response to %s goes on although the worker ends, and is broken off.', message.get('path'))
        return True
