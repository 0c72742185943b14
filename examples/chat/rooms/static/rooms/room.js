/*
 * The live part of a room: one WebSocket that sends {"text": ...} and gets
 * {"lines": [...]} or {"error": ...}. What one has said stands apart until the
 * room has it, and stays there, to be sent again, if the connection is lost
 * before that. Text only ever enters the page as text (textContent), so nobody
 * can smuggle markup into it.
 */
(function () {
  'use strict';

  // The close code of a log-out.
  const LOGGED_OUT = 3000;

  const room = document.getElementById('room');
  const list = document.getElementById('lines');
  const form = document.getElementById('say');
  const input = document.getElementById('text');
  const button = document.getElementById('send');
  const status = document.getElementById('status');
  const error = document.getElementById('error');
  const unsent = document.getElementById('unsent');

  const bridge = new channels.WebSocketBridge();
  // How often in a row there was no connection.
  let failures = 0;

  function idOf(item) {
    return Number(item.dataset.id);
  }

  function lastId() {
    return list.lastElementChild ? idOf(list.lastElementChild) : 0;
  }

  function showTime(element) {
    const time = new Date(element.dateTime);
    element.textContent = time.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
    element.title = time.toLocaleString();
  }

  function child(parent, tag, className, text) {
    const element = document.createElement(tag);
    if (className) {
      element.className = className;
    }
    element.textContent = text;
    parent.appendChild(element);
    return element;
  }

  function show(line) {
    // Lines stand in the order of their ids, each once, however they arrive:
    // two workers may deliver two lines in either order, and a line may come
    // both as news and as something missed.
    let before = list.lastElementChild;
    while (before && idOf(before) > line.id) {
      before = before.previousElementSibling;
    }
    if (before && idOf(before) === line.id) {
      return;
    }
    const item = document.createElement('li');
    item.className = line.user === room.dataset.user ? 'line mine' : 'line';
    item.dataset.id = line.id;
    child(item, 'span', 'who', line.user);
    // As the template has it.
    item.append(' ');
    const time = child(item, 'time', '', '');
    time.dateTime = line.said;
    showTime(time);
    child(item, 'p', '', line.text);
    list.insertBefore(item, before ? before.nextElementSibling : list.firstElementChild);
  }

  function showError(text) {
    error.textContent = text || '';
    error.hidden = !text;
  }

  function showStatus(text, live) {
    status.textContent = text;
    status.classList.toggle('live', live);
    button.disabled = !live;
    unsent.querySelectorAll('.again').forEach((again) => {
      again.disabled = !live;
    });
  }

  function isLive() {
    return bridge.socket.readyState === WebSocket.OPEN;
  }

  function textOf(item) {
    return item.querySelector('p').textContent;
  }

  function showState(item, lost) {
    item.querySelector('.state').textContent = lost ? 'Not sent: the connection was lost' : 'Sending…';
    item.classList.toggle('lost', lost);
  }

  function action(item, className, text, onclick) {
    const element = child(item, 'button', 'quiet ' + className, text);
    element.type = 'button';
    element.addEventListener('click', function () {
      onclick();
      input.focus();
    });
  }

  // Hand the text of an item to the socket, and show that; settle() takes the item away.
  function send(item) {
    if (isLive()) {
      showState(item, false);
      // What was handed over last is last.
      unsent.appendChild(item);
      bridge.send({text: textOf(item)});
    }
  }

  function itemFor(text) {
    const item = document.createElement('li');
    child(item, 'p', '', text);
    child(item, 'span', 'state', '');
    action(item, 'again', 'Send again', () => send(item));
    action(item, 'discard', 'Discard', () => item.remove());
    return item;
  }

  function settle(text) {
    const item = Array.from(unsent.children).find((each) => textOf(each) === text);
    if (item) {
      item.remove();
    }
  }

  function showUnsent() {
    Array.from(unsent.children).forEach((item) => showState(item, true));
  }

  function url() {
    return '/room/' + room.dataset.room + '/live/?after=' + lastId();
  }

  bridge.connect(url, undefined, {finalCodes: [LOGGED_OUT]});
  bridge.listen(function (data) {
    showError(data.error);
    const sent = unsent.querySelectorAll('li:not(.lost)');
    if (data.error && sent.length) {
      // The newest was refused.
      sent[sent.length - 1].remove();
    }
    if (data.lines) {
      const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
      data.lines.forEach(show);
      data.lines.filter((line) => line.user === room.dataset.user).forEach((line) => settle(line.text));
      if (atEnd) {
        list.scrollTop = list.scrollHeight;
      }
    }
  });
  bridge.socket.addEventListener('open', function () {
    failures = 0;
    showStatus('Live', true);
    showError('');
  });
  bridge.socket.addEventListener('unsent', showUnsent);
  bridge.socket.addEventListener('close', function (event) {
    showUnsent();
    if (event.code === LOGGED_OUT) {
      showStatus('Logged out', false);
      showError('You have logged out, or your password has changed. Load the page again to log in.');
      return;
    }
    failures += 1;
    showStatus('Not connected, trying again', false);
    if (failures > 4) {
      showError('The chat does not answer. If this lasts, reload the page; you may have to log in again.');
    }
  });

  form.addEventListener('submit', function (event) {
    event.preventDefault();
    if (isLive() && input.value.trim()) {
      send(itemFor(input.value.trim()));
      input.value = '';
    }
  });

  document.querySelectorAll('time').forEach(showTime);
  list.scrollTop = list.scrollHeight;
}());
