"""Async views, consumers and streams, through real processes."""
import asyncio

import pytest
from clients import get, socket_to
from programs import eventually
from streaming import open_streams, timed


@pytest.fixture
def async_site(site):
    """The Subject, where it has async code."""
    if not site.has_async_streams:
        pytest.skip('this Django has no async streams')
    return site


def test_one_worker_runs_async_views_at_once_and_streams_beside_sync_views(async_site):
    server, port = async_site.server()
    async_site.manage('runworker').wait_for('Listening on')

    async def visit():
        await timed(port, '/async/nap/')
        naps = await asyncio.gather(*[timed(port, '/async/nap/') for _ in range(6)])
        assert {status for status, _ in naps} == {200}
        # A second each; one after the other they would take six.
        assert max(seconds for _, seconds in naps) < 4
        await leave_during_a_nap(port)
        streams = await open_streams(port, '/async/events/', 30)
        assert (await timed(port, '/hello/'))[0] == 200
        while min(stream.events for stream in streams) < 2:
            await asyncio.sleep(0.1)
        for stream in streams:
            stream.leave()

    asyncio.run(asyncio.wait_for(visit(), 60))
    counts = eventually(lambda: ended(port), 'the end of the generators')
    assert counts['ended'] == 30
    eventually(lambda: get(port, '/async/counts/').json()['napped'] == 8, 'the end of the nap whose client left')


async def leave_during_a_nap(port):
    """Go away once an async view, the eighth here, has begun; it isn't cancelled."""
    _, writer = await asyncio.open_connection('127.0.0.1', port)
    writer.write(b'GET /async/nap/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    loop = asyncio.get_running_loop()
    while (await loop.run_in_executor(None, get, port, '/async/counts/')).json()['begun'] < 8:
        await asyncio.sleep(0.05)
    writer.close()


def ended(port):
    """Return what the process says of its streams, once none is open."""
    counts = get(port, '/async/counts/').json()
    return counts if not counts['open'] else None


def test_runserver_runs_them_too(sites):
    site = sites(SUT_LAYERS='memory')
    if not site.has_async_streams:
        pytest.skip('this Django has no async streams')
    program, port = site.runserver()
    assert get(port, '/async/nap/').text == 'refreshed'
    client = socket_to(port, '/async/echo/')
    client.send('hello')
    assert client.recv() == 'hello'
    client.close()
