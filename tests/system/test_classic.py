"""
Django under WSGI as ever, and WebSockets by a second server beside it.
"""
import os

import pytest
from clients import get, socket_to
from programs import free_port


def start_gunicorn(site):
    """Serve Django's own WSGI application with gunicorn; return the port."""
    script = os.path.join(os.path.dirname(site.python), 'gunicorn')
    if not os.path.exists(script):
        pytest.skip('no gunicorn in the environment of this pair')
    port = free_port()
    program = site.start(
        'gunicorn', script, '-b', '127.0.0.1:%d' % port, 'site_under_test.wsgi:application', PYTHONPATH=site.project
    )
    program.wait_for_port(port)
    return port


def test_wsgi_serves_http_beside_a_server_for_websockets(sites, redis):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url)
    site.run('migrate', '-v', '0')
    worker = site.manage('runworker')
    web, sockets = start_gunicorn(site), site.server()[1]
    visitors = [socket_to(sockets, '/group/news/') for _ in range(2)]
    try:
        # A socket opens once its consumer has put it into the group.
        visitors[0].send('hello')
        assert [visitor.recv() for visitor in visitors] == ['%d: hello' % worker.pid] * 2
        where = get(web, '/announce/?group=news&text=over').json()
        assert (where['channel'], where['wsgi_server']) == (None, True)
        assert where['pid'] != worker.pid
        assert [visitor.recv() for visitor in visitors] == ['over'] * 2
    finally:
        for visitor in visitors:
            visitor.close()


def test_meta_under_wsgi_is_what_it_is_without_channels(sites):
    metas = []
    for app, layers in [('', 'unset'), (None, 'memory')]:
        site = sites(SUT_LAYERS=layers, **({} if app is None else {'SUT_APP': app}))
        site.run('migrate', '-v', '0')
        meta = get(start_gunicorn(site), '/meta/?q=1').json()
        # These alone are of one connection, or of one server.
        for key in ('REMOTE_PORT', 'SERVER_PORT', 'HTTP_HOST', 'gunicorn.socket', 'wsgi.errors', 'wsgi.input',
                    'wsgi.early_hints'):
            meta.pop(key, None)
        metas.append(meta)
    assert metas[0] == metas[1]
    assert metas[0]['wsgi.url_scheme'] == 'str http'
