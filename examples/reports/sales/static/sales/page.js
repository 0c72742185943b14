/*
 * The reports as they are made. The socket says what a report is now, so it
 * does no harm if a message comes twice, or if one was missed in between.
 */
(function () {
  'use strict';

  const list = document.getElementById('reports');
  const template = document.getElementById('report');
  const status = document.getElementById('status');

  function itemOf(report) {
    const id = 'report-' + report.id;
    let item = document.getElementById(id);
    if (!item) {
      item = document.importNode(template.content, true).firstElementChild;
      item.id = id;
      item.dataset.id = report.id;
      item.querySelector('form').action = '/resume/' + report.id + '/';
      // The newest is the first.
      const next = Array.from(list.children).find((other) => Number(other.dataset.id) < report.id);
      list.insertBefore(item, next || null);
    }
    return item;
  }

  function stateOf(report) {
    if (!report.attempt) {
      return 'waiting for a worker';
    }
    const again = report.attempt > 1 ? ', requeued, attempt ' + report.attempt : '';
    const done = report.months.length === report.of;
    return (done ? 'done by worker ' : 'being made by worker ') + report.worker + again;
  }

  function show(report) {
    const item = itemOf(report);
    if (report.months.length < Number(item.dataset.months || 0)) {
      // What the socket found when it opened, overtaken by something newer.
      return;
    }
    const done = report.months.length === report.of;
    item.classList.toggle('done', done);
    item.dataset.worker = report.worker;
    item.dataset.months = report.months.length;
    item.querySelector('h2').textContent = 'Sales of ' + report.year;
    item.querySelector('progress').max = report.of;
    item.querySelector('progress').value = report.months.length;
    item.querySelector('.state').textContent = stateOf(report);
    item.querySelector('.result').textContent = done ?
      'Total: ' + report.months.reduce((sum, month) => sum + month, 0) :
      report.months.length + ' of ' + report.of + ' months';
    item.querySelector('form').hidden = done;
  }

  const bridge = new channels.WebSocketBridge();
  bridge.connect('/live/');
  bridge.listen((action) => show(action.report));
  bridge.socket.addEventListener('open', () => { status.textContent = 'Live'; });
  bridge.socket.addEventListener('close', () => { status.textContent = 'Not connected, trying again'; });
}());
