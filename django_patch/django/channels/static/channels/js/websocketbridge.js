/*
 * channels.WebSocketBridge: JSON over a WebSocket that reconnects, with
 * several streams over one socket.
 *
 *     var bridge = new channels.WebSocketBridge();
 *     bridge.connect('/ws/');
 *     bridge.listen(function (action, stream) { ... });
 *     bridge.send({prop: 'value'});
 *
 * With a WebsocketDemultiplexer on the server, demultiplex(stream, callback)
 * listens to one stream, and stream(name).send(object) speaks on it. Needs
 * no other library, and no newer JavaScript than ECMAScript 5. Its types are
 * in websocketbridge.d.ts.
 */
(function (root, factory) {
  'use strict';
  var channels = factory(root);
  if (typeof module === 'object' && module.exports) {
    module.exports = channels;
  } else {
    root.channels = root.channels || {};
    Object.keys(channels).forEach(function (name) {
      root.channels[name] = channels[name];
    });
  }
}(typeof self !== 'undefined' ? self : this, function (root) {
  'use strict';

  var DEFAULTS = {
    // Milliseconds before the first new try, and how they grow.
    minReconnectionDelay: 500,
    maxReconnectionDelay: 30000,
    reconnectionDelayGrowFactor: 1.5,
    // Milliseconds after which a handshake counts as failed.
    connectionTimeout: 10000,
    // How many messages wait for a connection; older ones are dropped, and
    // reported by "unsent".
    maxQueue: 1000,
    // Codes after which there is no new try.
    finalCodes: null,
    // The class to use, for tests and for servers of JavaScript.
    constructor: null
  };

  // The default of finalCodes: normal closure, unsupported data, policy
  // violation. The server won't have it otherwise next time.
  var FINAL_CODES = [1000, 1003, 1008];

  function merge(defaults, options) {
    var merged = {};
    [defaults, options || {}].forEach(function (source) {
      Object.keys(source).forEach(function (key) {
        merged[key] = source[key];
      });
    });
    return merged;
  }

  // Return an absolute ws: or wss: URL, as the page's own is secure or not.
  function absoluteUrl(url) {
    if (/^wss?:\/\//i.test(url || '')) {
      return url;
    }
    if (/^https?:\/\//i.test(url || '')) {
      return url.replace(/^http/i, 'ws');
    }
    var page = root.location;
    if (!page) {
      throw new Error('Outside of a page, connect() needs an absolute URL.');
    }
    var origin = (page.protocol === 'https:' ? 'wss://' : 'ws://') + page.host;
    if (!url) {
      return origin + page.pathname;
    }
    if (url.slice(0, 2) === '//') {
      return (page.protocol === 'https:' ? 'wss:' : 'ws:') + url;
    }
    if (url.charAt(0) === '/') {
      return origin + url;
    }
    if (url.charAt(0) === '?') {
      return origin + page.pathname + url;
    }
    return origin + page.pathname.replace(/[^\/]*$/, '') + url;
  }

  /*
   * What was given to a WebSocket and may be in the browser still. Its
   * bufferedAmount says how many bytes are, also after its end, so the last
   * messages of that size are those that the server can't have. Whether it would
   * take them is another question: one may have been too large for it.
   */
  function Outgoing(socket) {
    this._socket = socket;
    this._messages = [];
    // Bytes of all that was given to it; what a buffer grows by is the size.
    this._total = 0;
  }

  Outgoing.prototype.send = function (data) {
    this._forget();
    var before = this._buffered();
    this._socket.send(data);
    this._total += this._buffered() - before;
    this._messages.push({data: data, end: this._total});
  };

  /* Return what hasn't left the browser, the oldest first, and forget it. */
  Outgoing.prototype.takeBack = function () {
    this._forget();
    return this._messages.splice(0).map(function (message) { return message.data; });
  };

  Outgoing.prototype._forget = function () {
    var left = this._total - this._buffered();
    while (this._messages.length && this._messages[0].end <= left) {
      this._messages.shift();
    }
  };

  // A class in the place of WebSocket may not say.
  Outgoing.prototype._buffered = function () {
    return this._socket.bufferedAmount || 0;
  };

  /*
   * A WebSocket that opens again after it was lost. Speaks as one: send(),
   * close(), readyState, and addEventListener() for "open", "message",
   * "close" and "error", which hold for every connection. Its event "unsent"
   * has `messages`: what it was given and hasn't sent, and won't by itself.
   */
  function ReconnectingSocket(url, protocols, options) {
    this.url = url;
    this.options = options;
    this._protocols = protocols;
    this._listeners = {};
    this._queue = [];
    this._tries = 0;
    this._ended = false;
    this._timer = null;
    this._onEnd = [];
    this._open();
    this._watchNetwork();
  }

  ReconnectingSocket.prototype._open = function () {
    var self = this;
    var Socket = this.options.constructor || root.WebSocket;
    var url = typeof this.url === 'function' ? absoluteUrl(this.url()) : this.url;
    var socket = this._protocols === undefined || this._protocols === null ?
      new Socket(url) : new Socket(url, this._protocols);
    var outgoing = new Outgoing(socket);
    var gone = false;
    var timeout = setTimeout(function () { abandon('timeout'); }, this.options.connectionTimeout);

    function lost(event) {
      gone = true;
      clearTimeout(timeout);
      if ((self.options.finalCodes || FINAL_CODES).indexOf(event.code) >= 0) {
        self._end();
      }
      if (!self._ended) {
        self._tryLater();
      }
      self._dispatch('close', event);
    }

    // Go on without it, though the browser hasn't seen it end.
    function abandon(reason) {
      socket.close();
      if (!gone) {
        try {
          lost({type: 'close', code: 1006, reason: reason, wasClean: false});
        } finally {
          self._giveUp([]);
        }
      }
    }

    this._socket = socket;
    this._outgoing = outgoing;
    this._abandon = abandon;
    socket.onopen = function (event) {
      if (gone) {
        return;
      }
      clearTimeout(timeout);
      self._tries = 0;
      try {
        // What a listener sends comes first, as it may say who speaks.
        self._dispatch('open', event);
      } finally {
        self._sendWaiting();
      }
    };
    socket.onmessage = function (event) {
      if (!gone) {
        self._dispatch('message', event);
      }
    };
    socket.onerror = function (event) {
      if (!gone) {
        self._dispatch('error', event);
      }
    };
    socket.onclose = function (event) {
      try {
        if (!gone) {
          lost(event);
        }
      } finally {
        self._giveUp(outgoing.takeBack());
      }
    };
  };

  // A connection stays open, as far as a browser can see, for minutes after
  // its network is gone, and takes what will be lost.
  ReconnectingSocket.prototype._watchNetwork = function () {
    var self = this;
    var listeners = {
      online: function () { self.retry(); },
      offline: function () {
        if (self._isOpen()) {
          self._abandon('offline');
        }
      }
    };
    if (root.addEventListener) {
      Object.keys(listeners).forEach(function (type) {
        root.addEventListener(type, listeners[type]);
        self._onEnd.push(function () { root.removeEventListener(type, listeners[type]); });
      });
    }
  };

  ReconnectingSocket.prototype._end = function () {
    this._ended = true;
    this._onEnd.splice(0).forEach(function (action) { action(); });
  };

  ReconnectingSocket.prototype._tryLater = function () {
    var self = this;
    this._timer = setTimeout(function () { self._tryAgain(); }, this._pause());
  };

  // A function that has no URL now, as it had no token, may have one later.
  ReconnectingSocket.prototype._tryAgain = function () {
    this._timer = null;
    try {
      this._open();
    } catch (error) {
      if (!this._ended) {
        this._tryLater();
      }
      throw error;
    }
  };

  // Pauses grow, and differ from client to client: after a restart of the
  // server, all of them would come at once otherwise.
  ReconnectingSocket.prototype._pause = function () {
    var grown = this.options.minReconnectionDelay *
      Math.pow(this.options.reconnectionDelayGrowFactor, this._tries);
    this._tries += 1;
    return Math.min(grown, this.options.maxReconnectionDelay) * (0.5 + Math.random() / 2);
  };

  ReconnectingSocket.prototype._dispatch = function (type, event) {
    if (typeof this['on' + type] === 'function') {
      this['on' + type](event);
    }
    (this._listeners[type] || []).slice().forEach(function (listener) {
      listener(event);
    });
  };

  ReconnectingSocket.prototype.addEventListener = function (type, listener) {
    this._listeners[type] = (this._listeners[type] || []).concat([listener]);
  };

  ReconnectingSocket.prototype.removeEventListener = function (type, listener) {
    this._listeners[type] = (this._listeners[type] || []).filter(function (other) {
      return other !== listener;
    });
  };

  /*
   * Give text to the browser now and return true. Without a connection, return
   * false: it goes out with the next one. What won't go out, or is in the
   * browser still when the connection breaks, is reported by "unsent".
   */
  ReconnectingSocket.prototype.send = function (data) {
    if (this._isOpen()) {
      this._outgoing.send(data);
      return true;
    }
    this._queue.push(data);
    if (this._queue.length > this.options.maxQueue) {
      this._report([this._queue.shift()]);
    }
    this._giveUp([]);
    return false;
  };

  ReconnectingSocket.prototype._isOpen = function () {
    return !this._ended && this._socket.readyState === 1;
  };

  ReconnectingSocket.prototype._sendWaiting = function () {
    if (this._isOpen()) {
      this._queue.splice(0).forEach(this.send, this);
    }
  };

  // Report `left`, and what waits for a connection, if none will follow.
  ReconnectingSocket.prototype._giveUp = function (left) {
    var messages = left.concat(this._ended ? this._queue.splice(0) : []);
    if (messages.length) {
      this._report(messages);
    }
  };

  ReconnectingSocket.prototype._report = function (messages) {
    var heard = typeof this.onunsent === 'function' || (this._listeners.unsent || []).length;
    if (!heard && typeof console !== 'undefined') {
      console.warn('Not sent, since there is no connection: ' + messages.length + ' message(s).');
    }
    this._dispatch('unsent', {type: 'unsent', messages: messages});
  };

  /* Try now instead of after the pause. It does so itself when the browser is online again. */
  ReconnectingSocket.prototype.retry = function () {
    if (this._timer !== null && !this._ended) {
      clearTimeout(this._timer);
      this._tries = 0;
      this._tryAgain();
    }
  };

  /* Close it for good; `code` is 1000 if left out. */
  ReconnectingSocket.prototype.close = function (code, reason) {
    this._end();
    clearTimeout(this._timer);
    this._giveUp([]);
    this._socket.close(code === undefined ? 1000 : code, reason === undefined ? '' : reason);
  };

  // What waits for a connection, the oldest first.
  Object.defineProperty(ReconnectingSocket.prototype, 'waiting', {
    get: function () { return this._queue.slice(); }
  });

  Object.defineProperty(ReconnectingSocket.prototype, 'readyState', {
    get: function () { return this._socket.readyState; }
  });

  function WebSocketBridge(options) {
    this.socket = null;
    this.streams = {};
    this.default_cb = null;
    this.options = merge(DEFAULTS, options);
  }

  /*
   * Connect to `url`: absolute, relative to the page, the page's own if it is
   * left out, or a function that returns one for each connection. `protocols`
   * are sub-protocols, as for WebSocket; `options` replace some of DEFAULTS.
   */
  WebSocketBridge.prototype.connect = function (url, protocols, options) {
    if (this.socket) {
      this.socket.close();
    }
    this.socket = new ReconnectingSocket(
      typeof url === 'function' ? url : absoluteUrl(url), protocols, merge(this.options, options)
    );
  };

  /*
   * Call `callback(action, stream)` with what the server sends. Frames of a
   * stream that demultiplex() knows go there instead.
   */
  WebSocketBridge.prototype.listen = function (callback) {
    var self = this;
    this.default_cb = callback;
    this._socket().onmessage = function (event) {
      self._receive(event);
    };
  };

  WebSocketBridge.prototype._receive = function (event) {
    var message = JSON.parse(event.data);
    var action = message;
    var stream = null;
    if (message !== null && typeof message === 'object' && message.stream !== undefined) {
      action = message.payload;
      stream = message.stream;
      if (Object.prototype.hasOwnProperty.call(this.streams, stream)) {
        this.streams[stream](action, stream);
        return;
      }
    }
    if (this.default_cb) {
      this.default_cb(action, stream);
    }
  };

  /* Call `callback(action, stream)` with what comes on one stream. */
  WebSocketBridge.prototype.demultiplex = function (stream, callback) {
    this.streams[stream] = callback;
    if (this.socket && !this.socket.onmessage) {
      this.listen(this.default_cb);
    }
  };

  /*
   * Send an object as JSON: now, and return true, or once there is a
   * connection, and return false. What will never be sent is reported by the
   * event "unsent" of `socket`.
   */
  WebSocketBridge.prototype.send = function (message) {
    return this._socket().send(JSON.stringify(message));
  };

  /* Return what speaks on one stream: an object with send(). */
  WebSocketBridge.prototype.stream = function (name) {
    var self = this;
    return {
      send: function (payload) {
        return self.send({stream: name, payload: payload});
      }
    };
  };

  WebSocketBridge.prototype._socket = function () {
    if (!this.socket) {
      throw new Error('Call connect() first.');
    }
    return this.socket;
  };

  return {WebSocketBridge: WebSocketBridge};
}));
