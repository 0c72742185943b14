/*
 * The entries: all of them when the socket opens, then each change.
 */
(function () {
  'use strict';

  const list = document.getElementById('entries');
  const status = document.getElementById('status');

  function find(pk) {
    return list.querySelector('[data-pk="' + pk + '"]');
  }

  function show(pk, text) {
    let item = find(pk);
    if (!item) {
      item = document.createElement('article');
      item.dataset.pk = pk;
      // The newest is the first.
      const next = Array.from(list.children).find((other) => Number(other.dataset.pk) < pk);
      list.insertBefore(item, next || null);
    }
    item.textContent = text;
  }

  const bridge = new channels.WebSocketBridge();
  bridge.connect('/live/');
  bridge.demultiplex('entries', (change) => {
    if (change.action === 'list') {
      list.textContent = '';
      change.entries.forEach((entry) => show(entry.pk, entry.text));
      status.textContent = 'Live';
    } else if (change.action === 'delete') {
      const item = find(change.pk);
      if (item) {
        item.remove();
      }
    } else {
      show(change.pk, change.data.text);
    }
  });
  bridge.socket.addEventListener('close', () => { status.textContent = 'Not connected, trying again'; });
}());
