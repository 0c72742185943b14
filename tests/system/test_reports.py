"""The example "reports": jobs in a browser, whose workers are killed before its eyes."""
import os
import signal

import pytest
import subject
from browser import Browser


@pytest.fixture
def browser():
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture
def reports(scratch):
    """A function that makes the Subject for the example, with its database."""
    made = []

    def make(**env):
        made.append(subject.example('reports', scratch, **env))
        made[-1].run('migrate', '-v', '0')
        return made[-1]

    yield make
    for one in made:
        one.stop()


#: Seconds for a month: so slow that no machine is done before the kill, or quick.
SLOW, QUICK = {'REPORTS_PAUSE': '2'}, {'REPORTS_PAUSE': '0.05'}

#: Has a page remember all that it said of reports.
REMEMBER = """
    window.states = [];
    new MutationObserver(() => {
        document.querySelectorAll('.state').forEach((state) => window.states.push(state.textContent));
    }).observe(document.getElementById('reports'), {subtree: true, childList: true});
"""


class Page:
    """The page of the example in a browser."""

    def __init__(self, browser, port):
        self.browser = browser
        browser.driver.get('http://127.0.0.1:%d/' % port)
        browser.until(lambda: browser.texts('#status') == ['Live'], 'the socket opens')

    def start_report(self):
        """Start a report; wait until a part of it is done."""
        self.browser.element('#start').click()
        self.browser.until(self.months, 'the first month')

    def months(self):
        """Return how many months of the newest report are done."""
        return self.browser.driver.execute_script('''
            const item = document.querySelector('#reports li');
            return item && Number(item.dataset.months) || 0;''')

    def state(self):
        """Return what the page says of the newest report."""
        return (self.browser.texts('#reports .state') or [''])[0]

    def until_state(self, words):
        self.browser.until(lambda: words in self.state(), words)


def workers_of(reports, report=1):
    """Return the process that did each month of a report, in their order."""
    code = 'from sales.models import Month; print([int(pid) for pid in Month.objects.filter(' \
        'report=%d).order_by("number").values_list("worker", flat=True)])' % report
    program = reports.start('months', reports.python, '-c', 'import django; django.setup(); ' + code)
    assert program.wait_for_exit() == 0, program.report()
    return [int(pid) for pid in program.raw('stdout').decode().strip(' []\n').split(',')]


def test_a_report_goes_on_when_its_worker_is_killed(reports, redis, browser):
    site = reports(REPORTS_REDIS_URL=redis.url)
    _, port = site.server()
    site.manage('runworker', '--exclude-channels', 'reports')
    first = site.manage('runworker', '--only-channels', 'reports', **SLOW).pid
    page = Page(browser, port)
    page.start_report()
    page.until_state('being made by worker %d' % first)
    second = site.manage('runworker', '--only-channels', 'reports', **QUICK).pid
    browser.driver.execute_script(REMEMBER)
    os.kill(first, signal.SIGKILL)
    page.until_state('done by worker %d, requeued, attempt 2' % second)
    states = browser.driver.execute_script('return window.states')
    assert 'being made by worker %d, requeued, attempt 2' % second in states, states
    assert browser.texts('#reports .result') == ['Total: 75732']
    did = workers_of(site)
    assert did == sorted(did, key=(first, second).index), 'no month was done again'
    assert (len(did), set(did)) == (12, {first, second})

    # What is done shows on a page that is opened later, too.
    page = Page(browser, port)
    page.until_state('done by worker %d' % second)


@pytest.mark.both_eras
def test_in_one_process_the_page_says_that_jobs_end_with_it(reports, browser):
    site = reports()
    program, port = site.runserver(**SLOW)
    page = Page(browser, port)
    assert 'Everything runs in one process' in browser.element('main').text
    page.start_report()
    os.kill(program.pid, signal.SIGKILL)
    program.wait_for_exit()
    browser.until(lambda: browser.texts('#status') == ['Not connected, trying again'], 'the loss is shown')
    again = site.manage('runserver', '--noreload', '127.0.0.1:%d' % port, **QUICK)
    again.wait_for_port(port)
    browser.until(lambda: browser.texts('#status') == ['Live'], 'the page connects again')
    browser.element('#reports .resume').click()
    page.until_state('done by worker %d' % again.pid)
    did = workers_of(site)
    assert did == sorted(did, key=(program.pid, again.pid).index), 'no month was done again'
    assert set(did) == {program.pid, again.pid}
