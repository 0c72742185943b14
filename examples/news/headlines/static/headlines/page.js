/*
 * Headlines as they are posted. An EventSource connects again by itself, and
 * tells the server then which event it has seen last.
 */
(function () {
  'use strict';

  const list = document.getElementById('headlines');
  const status = document.getElementById('status');
  // Milliseconds before a new try, after an answer for which the browser gives
  // up by itself, such as 503.
  const PAUSE = 3000;

  function newest() {
    return list.firstElementChild ? Number(list.firstElementChild.dataset.id) : 0;
  }

  function show(headline) {
    if (headline.id <= newest()) {
      return;
    }
    const item = document.createElement('li');
    item.dataset.id = headline.id;
    item.textContent = headline.text;
    list.insertBefore(item, list.firstElementChild);
  }

  function connect() {
    const source = new EventSource('/events/?after=' + newest());
    source.onopen = function () { status.textContent = 'Live'; };
    source.onmessage = function (event) { show(JSON.parse(event.data)); };
    source.onerror = function () {
      status.textContent = 'Not connected, trying again';
      if (source.readyState === EventSource.CLOSED) {
        setTimeout(connect, PAUSE);
      }
    };
  }

  connect();
}());
