"""The example "news": server-sent events, in a browser and by HTTP."""
import http.client
import json
import re

import pytest
import subject
from browser import Browser
from clients import TIMEOUT, get, post_form


class News:
    """The example, served by runserver with the in-memory layer."""

    def __init__(self, folder):
        self.subject = subject.example('news', folder)
        self.subject.run('migrate', '-v', '0')
        self.program, self.port = self.subject.runserver()

    def post(self, text):
        """Post a headline, as the page's form does."""
        page = get(self.port, '/')
        token = re.search('name=["\']csrfmiddlewaretoken["\'] value=["\']([^"\']+)', page.text).group(1)
        cookie = page.header('Set-Cookie').split(';')[0]
        answer = post_form(self.port, '/', [('text', text), ('csrfmiddlewaretoken', token)], {'Cookie': cookie})
        assert answer.status == 302, answer.text

    def stream(self, query='', **headers):
        """Open the stream; return the response."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=TIMEOUT)
        connection.request('GET', '/events/' + query, headers=headers)
        return connection.getresponse()


@pytest.fixture
def news(scratch):
    running = News(scratch)
    yield running
    running.subject.stop()


def event(response):
    """Return the next event of a stream, as (id, data)."""
    lines = [response.readline().decode().rstrip('\n') for _ in range(3)]
    assert lines[2] == '', lines
    return lines[0].replace('id: ', ''), json.loads(lines[1].replace('data: ', ''))


def headlines(response, number):
    """
    Return that many different events of a stream, by their ids.

    One that is posted while the stream begins may come first, and twice.
    """
    events = {}
    while len(events) < number:
        events.update([event(response)])
    return sorted(events.items())


def test_a_page_shows_what_is_posted_elsewhere_and_what_it_missed(news):
    browser = Browser()
    try:
        news.post('old')
        browser.driver.get('http://127.0.0.1:%d/' % news.port)
        browser.until(lambda: browser.texts('#status') == ['Live'], 'the stream begins')
        news.post('<b>new</b> & \u20ac')
        browser.until(lambda: browser.texts('#headlines li') == ['<b>new</b> & \u20ac', 'old'], 'the headline')
        browser.set_offline(True)
        browser.until(lambda: browser.texts('#status') == ['Not connected, trying again'], 'the browser is offline')
        news.post('in a tunnel')
        browser.set_offline(False)
        browser.until(lambda: browser.texts('#headlines li')[0] == 'in a tunnel', 'what came meanwhile')
        assert browser.texts('#status') == ['Live']
        news.program.stop()
        browser.until(lambda: browser.texts('#status') == ['Not connected, trying again'], 'the loss is shown')
        again = news.subject.manage('runserver', '--noreload', '127.0.0.1:%d' % news.port)
        again.wait_for_port(news.port)
        news.post('meanwhile')
        browser.until(lambda: browser.texts('#headlines li')[0] == 'meanwhile', 'what was missed')
    finally:
        browser.close()


def test_a_headline_that_overtakes_what_was_missed_has_its_place_on_the_page(news):
    browser = Browser()
    try:
        for text in ('one', 'two'):
            news.post(text)
        # The page's stream is the test's.
        browser.driver.execute_cdp_cmd('Page.addScriptToEvaluateOnNewDocument', {
            'source': 'window.EventSource = function () { window.stream = this; this.close = function () {}; };',
        })
        browser.driver.get('http://127.0.0.1:%d/' % news.port)
        for number in (5, 3, 4, 5, 2):
            browser.driver.execute_script('stream.onmessage({data: arguments[0]})',
                                          json.dumps({'id': number, 'text': 'number %d' % number}))
        assert browser.texts('#headlines li') == ['number 5', 'number 4', 'number 3', 'two', 'one']
    finally:
        browser.close()


def test_streams_begin_after_what_their_readers_have_and_hold_no_thread(news):
    """More of them than the worker of runserver has threads."""
    for text in ('one', 'two', 'three'):
        news.post(text)
    streams = [news.stream('?after=2') for _ in range(20)] + [news.stream('?after=1', **{'Last-Event-ID': '2'})]
    assert {stream.getheader('Content-Type') for stream in streams} == {'text/event-stream'}
    news.post('four')
    for stream in streams:
        expected = [('3', {'id': 3, 'text': 'three'}), ('4', {'id': 4, 'text': 'four'})]
        assert headlines(stream, len(expected)) == expected
        stream.close()
