"""The admin's pages about channels, live, in a browser, on the first Django and on the last."""
import base64
import contextlib
import hashlib
import json
import os
import signal

import pytest
from browser import Browser

#: The pages are the same in between.
PAIRS = ('1.8', '6.1')
OVERVIEW = '/admin/channels_monitoring/overview/'
BACKGROUND = 'return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)'
#: The longest name of a channel, without a place to break it; and widths of screens.
LONG, PHONE, LAPTOP = 'x' * 99, 390, 1100
#: What sticks out of a page that is wider than the screen.
OUTSIDE = '''
const width = document.documentElement.clientWidth;
return document.documentElement.scrollWidth <= width ? [] : Array.from(document.querySelectorAll('body *'))
    .filter(element => element.getBoundingClientRect().right > width).map(element => element.outerHTML.slice(0, 200));
'''


def add_administrator(site, folder):
    """Add the user "admin", whose password is the same."""
    digest = base64.b64encode(hashlib.pbkdf2_hmac('sha256', b'admin', b'salt', 1)).decode()
    path = os.path.join(folder, 'users.json')
    with open(path, 'w') as file:
        json.dump([{'model': 'auth.user', 'pk': 1, 'fields': {
            'username': 'admin', 'password': 'pbkdf2_sha256$1$salt$' + digest, 'is_staff': True, 'is_superuser': True,
            'last_login': '2016-12-01T00:00:00Z',
        }}], file)
    site.run('migrate', '-v', '0')
    site.run('loaddata', path, '-v', '0')


def in_table(page, text, label):
    """Return what a row whose heading has `text` says under `label`, '' if there is none."""
    return page.driver.execute_script(
        'return Array.from(document.querySelectorAll("tbody tr")).filter('
        'row => row.querySelector("th").textContent.includes(arguments[0]))'
        '.map(row => row.querySelector(`td[data-label="${arguments[1]}"]`))'
        '.filter(cell => cell).map(cell => cell.textContent)[0] || ""', text, label)


def check_that_it_fits(page):
    page.until(lambda: page.driver.execute_script(OUTSIDE) == [], 'the page fits on the screen: %s' % (
        page.driver.execute_script(OUTSIDE),))


def show_on(page, width):
    """Show the page on a screen of that width, such as a phone's."""
    page.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
        'width': width, 'height': 800, 'deviceScaleFactor': 2, 'mobile': width == PHONE,
    })


def delete_dead_letter(page, url):
    """Read why the job of the page at `url` failed, on a phone, and delete it."""
    def arrived():
        page.driver.get(url)
        return in_table(page, '', 'Error')
    page.until(arrived, 'the dead letter is listed')
    assert in_table(page, '', 'Error') == 'ZeroDivisionError: a consumer that raises'
    check_that_it_fits(page)
    page.element('#content-main tbody th a').click()
    page.until(lambda: page.texts('#content-main h2') == ['Error', 'Message'], 'the dead letter is shown')
    assert 'in broken_job' in page.element('#content-main pre').text
    check_that_it_fits(page)
    page.element('button[value=delete]').click()
    page.until(lambda: page.element('#content-main p').text.startswith('Delete 1 of doomed-job?'), 'the question')
    page.element('#content-main input[type=submit]').click()
    page.until(lambda: page.texts('.messagelist li') == ['Deleted 1 dead letter of doomed-job.'], 'it is gone')


def check_that_silence_is_said(page, program):
    """See that the page doesn't call itself live while nobody answers, and does so again."""
    program.signal(signal.SIGSTOP)
    try:
        page.until(lambda: page.texts('#channels-state') == ['Not live: no worker answers.'], 'the silence is said')
    finally:
        program.signal(signal.SIGCONT)
    page.until(lambda: page.texts('#channels-state') == ['Live'], 'the page is live again')


def test_pages_are_live_and_an_administrator_empties_a_channel(sites, redis, scratch):
    site = sites(SUT_LAYERS='redis', SUT_REDIS=redis.url, SUT_ADMIN='yes')
    if not site.django.startswith(PAIRS):
        pytest.skip('tested on Django %s' % ' and '.join(PAIRS))
    add_administrator(site, scratch)
    program, port = site.runserver()
    url = 'http://127.0.0.1:%d' % port
    with contextlib.closing(Browser()) as page:
        page.driver.get(url + OVERVIEW)
        for name in ('username', 'password'):
            page.element('input[name=%s]' % name).send_keys('admin')
        page.element('input[type=submit]').click()
        page.until(lambda: page.texts('#channels-state') == ['Live'], 'the page is live')
        check_that_silence_is_said(page, program)
        # What comes in shows without loading the page.
        site.run('put', 'nobody.reads', '{"secret": "<b>"}')
        page.until(lambda: in_table(page, 'nobody.reads', 'Waiting') == '1', 'what waits is shown')
        where = page.texts('tr.channels-alive th')
        assert any(name.endswith(':%d' % program.pid) for name in where), where
        if site.has_interface_server:
            page.until(lambda: in_table(page, ':%d' % program.pid, 'Sockets') == '1', "the page's own socket is shown")
        job = os.path.join(scratch, 'job')
        site.put('slow-job', job)
        page.until(
            lambda: 'slow_job on slow-job for' in in_table(page, ':%d' % program.pid, 'What it does'),
            'what the worker does is shown')
        open(job + '.go', 'w').close()

        assert min(page.driver.execute_script(BACKGROUND)) > 200
        page.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {
            'features': [{'name': 'prefers-color-scheme', 'value': 'dark'}],
        })
        page.until(lambda: max(page.driver.execute_script(BACKGROUND)) < 60, 'the page is dark')
        show_on(page, PHONE)
        check_that_it_fits(page)
        site.put('doomed-job', job)
        delete_dead_letter(page, url + OVERVIEW + 'default/jobs/doomed-job/')

        site.run('put', LONG, json.dumps({LONG: LONG}))
        site.run('put', 'doomed-job', json.dumps({LONG: LONG}), '--delay', '3600')
        for width in (PHONE, LAPTOP):
            show_on(page, width)
            for path in ('', 'default/jobs/doomed-job/', 'default/channel/%s/' % LONG):
                page.driver.get(url + OVERVIEW + path)
                check_that_it_fits(page)
        page.driver.get(url + OVERVIEW + 'default/channel/nobody.reads/')
        assert page.texts('td code') == ['{"secret":"<b>"}']
        page.element('a.deletelink').click()
        page.until(
            lambda: 'Remove the message that waits' in page.element('#content-main').text, 'the question is asked')
        page.element('#content-main input[type=submit]').click()
        page.until(lambda: page.texts('.messagelist li') == ['Removed 1 message from nobody.reads.'], 'it is done')
        page.driver.get(url + '/admin/')
        assert 'default/nobody.reads' in page.element('#content-related').text
