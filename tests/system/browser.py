"""A headless Chromium, and what the tests do with a page of the chat."""
import os
import shutil
import tempfile

import pytest
from programs import PATIENCE
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

#: --no-sandbox, since tests run as root in containers; the rest keeps the
#: browser from talking to anybody but the chat.
FLAGS = [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage',
    '--window-size=900,700',
]


def find(*names):
    """Return the path of the first program found; without one skip the test, or in CI fail it."""
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    lacking = 'There is no %s here. On Debian: apt install chromium chromium-driver' % ' or '.join(names)
    if os.environ.get('CI'):
        raise RuntimeError(lacking)
    pytest.skip(lacking)


class Browser:
    """One person's browser, with cookies of its own and one or more tabs."""

    def __init__(self, *flags):
        self.profile = tempfile.mkdtemp(prefix='chromium-')
        options = webdriver.ChromeOptions()
        options.binary_location = find('chromium', 'chromium-browser', 'google-chrome')
        for flag in FLAGS + list(flags) + ['--user-data-dir=' + self.profile]:
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(options=options, service=Service(find('chromedriver')))

    def close(self):
        """End the browser and forget its profile."""
        try:
            self.driver.quit()
        finally:
            shutil.rmtree(self.profile, ignore_errors=True)

    def until(self, condition, what):
        """Wait until condition() is true; upon failure show the page."""
        try:
            wait = WebDriverWait(self.driver, PATIENCE, 0.05, [StaleElementReferenceException])
            return wait.until(lambda driver: condition())
        except Exception as error:
            raise AssertionError('%s: not within %d s (%s).\n%s\nConsole: %s' % (
                what, PATIENCE, type(error).__name__, self.driver.page_source, self.driver.get_log('browser')))

    def element(self, selector):
        """Return the first element that a CSS selector finds."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """Return the texts of all elements that a CSS selector finds."""
        script = 'return Array.from(document.querySelectorAll(arguments[0]), element => element.textContent)'
        return self.driver.execute_script(script, selector)

    def rendered(self, selector):
        """Return what a person reads in each of the elements that a CSS selector finds."""
        return [element.text for element in self.driver.find_elements(By.CSS_SELECTOR, selector)]

    def set_offline(self, offline):
        """Have the browser lose its network, or find it again."""
        self.driver.execute_cdp_cmd('Network.enable', {})
        self.driver.execute_cdp_cmd('Network.emulateNetworkConditions', {
            'offline': offline, 'latency': 0, 'downloadThroughput': -1, 'uploadThroughput': -1})

    # The chat.

    def log_in(self, url, name, password=None):
        """Log in through the page, as a person does."""
        self.driver.get(url + '/')
        assert self.driver.current_url.startswith(url + '/login/'), self.driver.current_url
        self.element('input[name=username]').send_keys(name)
        self.element('input[name=password]').send_keys(password or name)
        self.element('main button[type=submit]').click()
        self.until(lambda: self.texts('.me') == [name], '%s logs in' % name)

    def enter(self, title='Lobby'):
        """Go to a room of the list, and wait for its socket."""
        self.driver.find_element(By.LINK_TEXT, title).click()
        self.until_live()

    def until_live(self):
        """Wait for the socket of the room."""
        self.until(lambda: self.texts('#status') == ['Live'], 'the socket opens')

    def say(self, text):
        """Type a line and send it."""
        self.element('#text').send_keys(text)
        self.element('#send').click()

    def click_on(self, button, text):
        """Click on a button, by its text, of a line that was not sent."""
        path = '//*[@id="unsent"]/li[p[text()="%s"]]/button[text()="%s"]' % (text, button)
        self.driver.find_element(By.XPATH, path).click()

    def lines(self):
        """Return [(who, text), ...] as the page shows them."""
        return list(zip(self.texts('.line .who'), self.texts('.line p')))

    def until_lines(self, lines):
        """Wait until the page shows exactly these lines."""
        try:
            self.until(lambda: self.lines() == lines, 'the lines %r' % (lines,))
        except AssertionError as error:
            raise AssertionError('%s\nLines: %r' % (error, self.lines()))
