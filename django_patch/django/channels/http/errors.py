"""
Responses to what Django's own handling of errors doesn't see.
"""
from __future__ import absolute_import

import logging
import sys
import traceback

from django import http

from ..compat.responses import closers_of
from ..conf import conf
from ..request_log import facts_of

logger = logging.getLogger('django.request')


class ErrorResponses(object):
    """What a handler answers with; under WSGI, a server does much of it."""

    def bad_request(self, error, message):
        """Return the response to a request that can't be read; `message` is its Message."""
        logger.warning(
            'Bad Request (%s)', type(error).__name__, exc_info=sys.exc_info(),
            extra=dict(facts_of(message), status_code=400)
        )
        return http.HttpResponseBadRequest()

    def _timed_out(self, request):
        logger.warning('Request Timeout: %s', request.path, extra={'status_code': 408, 'request': request})
        return http.HttpResponse('408 Request Timeout', status=408, content_type='text/plain')

    def _replace(self, response, other):
        """Return `other`, which takes the place of `response`, closed."""
        closers_of(other).extend(closers_of(response))
        return other

    def send_jobs(self, request, response, held):
        """
        Send what the view has sent, if a job is among it.

        That is in `held`, an Outbox or None. Return `response`, or an error
        in its place if the job can't be sent: no client is to take for
        accepted what is lost.
        """
        if held is not None and held.has_jobs:
            try:
                held.deliver_now()
            except Exception:
                return self._replace(response, self.uncaught_error(request, sys.exc_info()))
        return response

    def uncaught_error(self, request, exc_info):
        """
        Return the response for an error that Django itself didn't handle.

        Under WSGI the server does this. `request` may be None.
        """
        logger.error(
            'Internal Server Error: %s', 'malformed request' if request is None else request.path, exc_info=exc_info,
            extra={'status_code': 500, 'request': request}
        )
        text = ''.join(traceback.format_exception(*exc_info)) if conf.debug else 'Internal Server Error'
        response = http.HttpResponseServerError(text, content_type='text/plain')
        if request is not None:
            response._handler_class = self.__class__
        return response
