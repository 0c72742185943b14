/*
 * The live part of a room: one WebSocket that sends {"text": ...} and gets
 * {"lines": [...]} or {"error": ...}. Text only ever enters the page as text
 * (textContent), so nobody can smuggle markup into it.
 */
(function () {
  'use strict';

  // Milliseconds between two attempts to connect again; doubled each time.
  const FIRST_DELAY = 500;
  const LONGEST_DELAY = 30000;
  // A socket that stayed open this long (ms) makes the next delay short again.
  const STABLE = 5000;
  // The close code of a log-out.
  const LOGGED_OUT = 3000;

  const room = document.getElementById('room');
  const list = document.getElementById('lines');
  const form = document.getElementById('say');
  const input = document.getElementById('text');
  const button = document.getElementById('send');
  const status = document.getElementById('status');
  const error = document.getElementById('error');

  let socket = null;
  let timer = null;
  let delay = FIRST_DELAY;

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
  }

  function connect() {
    clearTimeout(timer);
    timer = null;
    showStatus('Connecting…', false);
    const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
    const url = scheme + location.host + '/room/' + room.dataset.room + '/live/?after=' + lastId();
    let opened = 0;
    socket = new WebSocket(url);
    socket.onopen = function () {
      opened = Date.now();
      showStatus('Live', true);
      showError('');
    };
    socket.onmessage = function (event) {
      const data = JSON.parse(event.data);
      showError(data.error);
      if (data.lines) {
        const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
        data.lines.forEach(show);
        if (atEnd) {
          list.scrollTop = list.scrollHeight;
        }
      }
    };
    socket.onclose = function (event) {
      socket = null;
      if (event.code === LOGGED_OUT) {
        showStatus('Logged out', false);
        showError('You have logged out, or your password has changed. Load the page again to log in.');
        return;
      }
      if (opened && Date.now() - opened > STABLE) {
        delay = FIRST_DELAY;
      }
      // Not all browsers at the same moment, or a server that comes back is
      // run over by them.
      const wait = delay * (0.5 + Math.random() / 2);
      delay = Math.min(delay * 2, LONGEST_DELAY);
      showStatus('Not connected, trying again', false);
      if (delay > 8 * FIRST_DELAY) {
        showError('The chat does not answer. If this lasts, reload the page; you may have to log in again.');
      }
      timer = setTimeout(connect, wait);
    };
  }

  form.addEventListener('submit', function (event) {
    event.preventDefault();
    if (socket && socket.readyState === WebSocket.OPEN && input.value.trim()) {
      socket.send(JSON.stringify({text: input.value}));
      input.value = '';
    }
  });

  window.addEventListener('online', function () {
    if (timer !== null) {
      delay = FIRST_DELAY;
      connect();
    }
  });

  document.querySelectorAll('time').forEach(showTime);
  list.scrollTop = list.scrollHeight;
  connect();
}());
