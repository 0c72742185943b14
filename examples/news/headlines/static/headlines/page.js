/*
 * Headlines as they are posted. An EventSource connects again by itself, and
 * tells the server then which event it has seen last. It may take minutes to
 * find out that its network is gone; the browser knows earlier.
 */
(function () {
  'use strict';

  const list = document.getElementById('headlines');
  const status = document.getElementById('status');
  // Milliseconds before a new try, after an answer for which the browser gives
  // up by itself, such as 503.
  const PAUSE = 3000;

  let source = null;
  let timer = null;

  function idOf(item) {
    return item ? Number(item.dataset.id) : 0;
  }

  function newest() {
    return idOf(list.firstElementChild);
  }

  // What is posted while the stream begins may come before what was missed, and
  // once more after it.
  function show(headline) {
    let next = list.firstElementChild;
    while (idOf(next) > headline.id) {
      next = next.nextElementSibling;
    }
    if (idOf(next) === headline.id) {
      return;
    }
    const item = document.createElement('li');
    item.dataset.id = headline.id;
    item.textContent = headline.text;
    list.insertBefore(item, next);
  }

  function lost() {
    status.textContent = 'Not connected, trying again';
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(timer);
      timer = setTimeout(connect, PAUSE);
    }
  }

  function connect() {
    clearTimeout(timer);
    if (source) {
      source.close();
    }
    source = new EventSource('/events/?after=' + newest());
    source.onopen = function () { status.textContent = 'Live'; };
    source.onmessage = function (event) { show(JSON.parse(event.data)); };
    source.onerror = lost;
  }

  window.addEventListener('offline', function () {
    source.close();
    lost();
  });
  window.addEventListener('online', connect);
  connect();
}());
