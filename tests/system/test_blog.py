"""The example "blog": what an editor does in the admin is on the readers' page at once."""
import pytest
import subject
from browser import Browser


@pytest.fixture
def browser():
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture
def blog(scratch):
    """The Subject for the example, with its editor."""
    made = subject.example('blog', scratch)
    made.run('migrate', '-v', '0')
    made.run('demo')
    yield made
    made.stop()


def test_an_editor_writes_and_a_reader_sees_it(blog, browser):
    _, port = blog.runserver()
    url = 'http://127.0.0.1:%d' % port
    browser.driver.get(url + '/')
    browser.until(lambda: browser.texts('#entries article') == ['We are live.'], 'the first entry')
    reader = browser.driver.current_window_handle
    browser.driver.switch_to.new_window('tab')
    editor = browser.driver.current_window_handle

    def edit(path, button, text=None):
        """Do one thing in the admin, and look at the readers' page again."""
        browser.driver.switch_to.window(editor)
        browser.driver.get(url + '/admin/' + path)
        if text is not None:
            browser.element('#id_text').clear()
            browser.element('#id_text').send_keys(text)
        browser.element(button).click()
        browser.until(lambda: browser.texts('.success, .messagelist'), 'the admin has done it')
        browser.driver.switch_to.window(reader)

    def until_entries(*texts):
        browser.until(lambda: browser.texts('#entries article') == list(texts), 'the entries %r' % (texts,))

    browser.driver.get(url + '/admin/')
    for name in ('username', 'password'):
        browser.element('input[name=%s]' % name).send_keys('editor')
    browser.element('input[type=submit]').click()
    browser.until(lambda: browser.texts('.model-entry'), 'the editor logs in')

    edit('entries/entry/add/', 'input[name=_save]', 'First <b>goal</b>')
    until_entries('First <b>goal</b>', 'We are live.')
    edit('entries/entry/2/', 'input[name=_save]', 'Goal')
    until_entries('Goal', 'We are live.')
    # Withdrawn in the list of entries.
    browser.driver.switch_to.window(editor)
    browser.driver.get(url + '/admin/entries/entry/')
    browser.element('input[name=form-0-published]').click()
    browser.element('input[name=_save]').click()
    browser.driver.switch_to.window(reader)
    until_entries('We are live.')
    edit('entries/entry/1/delete/', '#content input[type=submit]')
    until_entries()
