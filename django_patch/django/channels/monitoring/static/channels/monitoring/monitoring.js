/* Keeps the tables of the page as they are now, over a WebSocket. */
(function () {
    'use strict';
    var tables = document.getElementById('channels-tables'), state = document.getElementById('channels-state');
    var pause = 1000, patience = 10000, timer = null;
    if (!tables || !window.WebSocket) {
        return;
    }

    function show(text, isLive) {
        state.textContent = text;
        document.body.className = document.body.className.replace(/ channels-live/g, '') +
            (isLive ? ' channels-live' : '');
    }

    function connect() {
        var scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
        var socket = new WebSocket(scheme + location.host + tables.getAttribute('data-path'));

        function ask() {
            socket.send(tables.getAttribute('data-alias'));
            timer = setTimeout(miss, patience);
        }

        // The workers are busy or gone, or the question was lost with one.
        function miss() {
            show('Not live: no worker answers.', false);
            ask();
        }

        socket.onopen = function () {
            pause = 1000;
            ask();
        };
        socket.onmessage = function (event) {
            clearTimeout(timer);
            // It comes from a template of the server's, which escapes names.
            tables.innerHTML = event.data;
            show('Live', true);
            timer = setTimeout(ask, 2000);
        };
        socket.onclose = function (event) {
            clearTimeout(timer);
            if (event.code === 4403) {
                show('You may not see this any more.', false);
                return;
            }
            show('Not live; load the page again to see what has changed.', false);
            pause = Math.min(pause * 2, 30000);
            setTimeout(connect, pause);
        };
    }

    connect();
}());
