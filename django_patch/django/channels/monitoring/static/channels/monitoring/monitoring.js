/* Keeps the tables of the page as they are now, over a WebSocket. */
(function () {
    'use strict';
    var tables = document.getElementById('channels-tables'), state = document.getElementById('channels-state');
    var pause = 1000, timer = null;
    if (!tables || !window.WebSocket) {
        return;
    }

    function connect() {
        var scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
        var socket = new WebSocket(scheme + location.host + tables.getAttribute('data-path'));

        function ask() {
            socket.send(tables.getAttribute('data-alias'));
        }

        socket.onopen = function () {
            pause = 1000;
            ask();
        };
        socket.onmessage = function (event) {
            // It comes from a template of the server's, which escapes names.
            tables.innerHTML = event.data;
            state.textContent = 'Live';
            document.body.className += / channels-live/.test(document.body.className) ? '' : ' channels-live';
            timer = setTimeout(ask, 2000);
        };
        socket.onclose = function (event) {
            clearTimeout(timer);
            document.body.className = document.body.className.replace(' channels-live', '');
            if (event.code === 4403) {
                state.textContent = 'You may not see this any more.';
                return;
            }
            state.textContent = 'Not live; load the page again to see what has changed.';
            pause = Math.min(pause * 2, 30000);
            setTimeout(connect, pause);
        };
    }

    connect();
}());
