/*
 * Tests of the JavaScript client, for node: the argument is the client's file.
 * Prints the name of each test that passed; a failure ends with a traceback.
 */
'use strict';

const assert = require('assert');

global.self = global;
global.location = {protocol: 'https:', host: 'example.com:1', pathname: '/a/b'};

let sockets = [];
let timers = [];
// What listens to the browser's network.
let network = {online: [], offline: []};
global.addEventListener = (type, listener) => network[type].push(listener);
global.removeEventListener = (type, listener) => {
  network[type] = network[type].filter((other) => other !== listener);
};
const happen = (type) => network[type].forEach((listener) => listener());
// Time passes when a test says so.
global.setTimeout = (action, delay) => timers.push({action, delay, on: true});
global.clearTimeout = (number) => { if (number) { timers[number - 1].on = false; } };
Math.random = () => 1;
// What a test doesn't ask for isn't part of its output.
console.warn = () => {};

class FakeSocket {
  constructor(url, protocols) {
    Object.assign(this, {url, protocols, readyState: 0, sent: [], bufferedAmount: 0, slow: false});
    sockets.push(this);
  }
  send(data) {
    this.sent.push(data);
    this.bufferedAmount += this.slow ? Buffer.byteLength(data) : 0;
  }
  open() { this.readyState = 1; this.onopen({type: 'open'}); }
  receive(value) { this.onmessage({data: JSON.stringify(value)}); }
  lose(code) { this.readyState = 3; this.onclose({type: 'close', code: code}); }
  close(code) { this.closedWith = code; this.lose(code === undefined ? 1006 : code); }
}
global.WebSocket = FakeSocket;

const channels = require(process.argv[2]);
const last = () => sockets[sockets.length - 1];
const pending = () => timers.filter((timer) => timer.on);

function connected(options) {
  const bridge = new channels.WebSocketBridge();
  bridge.connect('/ws/', undefined, options);
  return bridge;
}

const tests = {
  'it needs a connection first'() {
    assert.throws(() => new channels.WebSocketBridge().send({}), /Call connect\(\) first/);
  },

  'urls are absolute, relative to the page, or the page itself'() {
    const cases = [
      [undefined, 'wss://example.com:1/a/b'], ['/x/', 'wss://example.com:1/x/'], ['y', 'wss://example.com:1/a/y'],
      ['?q=1', 'wss://example.com:1/a/b?q=1'], ['//other/x', 'wss://other/x'], ['ws://other/', 'ws://other/'],
      ['http://other/', 'ws://other/'], ['https://other/', 'wss://other/'],
    ];
    for (const [url, expected] of cases) {
      new channels.WebSocketBridge().connect(url);
      assert.strictEqual(last().url, expected);
    }
  },

  'sub-protocols are handed on'() {
    new channels.WebSocketBridge().connect('/ws/', ['p']);
    assert.deepStrictEqual(last().protocols, ['p']);
  },

  'what is sent early goes out once the socket is open'() {
    const bridge = connected({maxQueue: 2});
    [1, 2, 3].forEach((number) => bridge.send({number}));
    assert.deepStrictEqual(last().sent, []);
    last().open();
    bridge.stream('one').send({a: 1});
    assert.deepStrictEqual(last().sent, ['{"number":2}', '{"number":3}', '{"stream":"one","payload":{"a":1}}']);
  },

  'frames go to their stream or to the listener'() {
    const bridge = connected();
    const seen = [];
    bridge.demultiplex('one', (action, stream) => seen.push(['one', action, stream]));
    bridge.listen((action, stream) => seen.push(['rest', action, stream]));
    last().open();
    [{x: 1}, {stream: 'one', payload: 5}, {stream: 'two', payload: 6}, null].forEach((frame) => last().receive(frame));
    assert.deepStrictEqual(seen, [
      ['rest', {x: 1}, null], ['one', 5, 'one'], ['rest', 6, 'two'], ['rest', null, null],
    ]);
  },

  'streams work without a listener'() {
    const bridge = connected();
    const seen = [];
    bridge.demultiplex('one', (action) => seen.push(action));
    last().receive({stream: 'one', payload: 5});
    last().receive({stream: 'two', payload: 6});
    assert.deepStrictEqual(seen, [5]);
  },

  'a lost socket is opened again, after growing pauses'() {
    const bridge = connected({minReconnectionDelay: 100, reconnectionDelayGrowFactor: 2, maxReconnectionDelay: 300});
    const seen = [];
    bridge.listen((action) => seen.push(action));
    const pauses = [];
    for (let round = 0; round < 4; round += 1) {
      last().lose(1006);
      const timer = pending()[0];
      pauses.push(timer.delay);
      timer.on = false;
      timer.action();
    }
    assert.deepStrictEqual(pauses, [100, 200, 300, 300]);
    assert.strictEqual(sockets.length, 5);
    last().open();
    last().receive('again');
    assert.deepStrictEqual(seen, ['again']);
    last().lose(1006);
    assert.strictEqual(pending()[0].delay, 100);
  },

  'a pause can be cut short'() {
    const bridge = connected();
    bridge.socket.retry();
    assert.strictEqual(sockets.length, 1);
    last().lose(1006);
    bridge.socket.retry();
    assert.strictEqual(sockets.length, 2);
    assert.deepStrictEqual(pending().map((timer) => timer.delay), [10000]);
    last().open();
    bridge.socket.retry();
    bridge.socket.close();
    bridge.socket.retry();
    assert.strictEqual(sockets.length, 2);
  },

  'a browser that is online again tries at once'() {
    connected({minReconnectionDelay: 30000});
    happen('online');
    assert.strictEqual(sockets.length, 1);
    last().lose(1006);
    happen('online');
    assert.strictEqual(sockets.length, 2);
    last().open();
    happen('online');
    assert.strictEqual(sockets.length, 2);
  },

  'a connection of a browser that is offline takes no more messages'() {
    const bridge = connected();
    const seen = [];
    bridge.socket.onclose = (event) => seen.push(event.code, event.reason);
    bridge.socket.onunsent = (event) => seen.push(...event.messages);
    happen('offline');
    assert.strictEqual(bridge.socket.readyState, 0);
    const socket = last();
    socket.open();
    socket.slow = true;
    bridge.send('buffered');
    // Real ones take their time to close.
    socket.close = () => { socket.readyState = 2; };
    happen('offline');
    assert.deepStrictEqual(seen, [1006, 'offline']);
    assert.strictEqual(bridge.send('later'), false);
    happen('online');
    last().open();
    assert.deepStrictEqual(last().sent, ['"later"']);
    // Now its browser knows what has gone out.
    socket.lose(1006);
    assert.deepStrictEqual(seen, [1006, 'offline', '"buffered"']);
    assert.strictEqual(sockets.length, 2);
  },

  'a socket that has ended listens to no network'() {
    const bridge = connected();
    connected().socket.close();
    last().lose(1008);
    connected();
    last().open();
    last().lose(1008);
    assert.deepStrictEqual([network.online.length, network.offline.length], [1, 1]);
    bridge.connect('/other/');
    assert.deepStrictEqual([network.online.length, network.offline.length], [1, 1]);
  },

  'a handshake that takes too long counts as lost'() {
    connected({connectionTimeout: 7});
    const timer = pending()[0];
    assert.strictEqual(timer.delay, 7);
    timer.action();
    assert.strictEqual(last().readyState, 3);
    pending()[0].action();
    assert.strictEqual(sockets.length, 2);
  },

  'a socket that was closed on purpose stays closed'() {
    for (const code of [1000, 1003, 1008]) {
      connected();
      last().open();
      last().lose(code);
    }
    const bridge = connected();
    last().open();
    bridge.socket.close();
    assert.strictEqual(last().closedWith, 1000);
    assert.deepStrictEqual(pending(), []);
  },

  'a url may be made anew for each connection'() {
    let after = 0;
    const bridge = new channels.WebSocketBridge();
    bridge.connect(() => '/ws/?after=' + after);
    after = 5;
    last().lose(1006);
    pending()[0].action();
    assert.deepStrictEqual(sockets.map((socket) => socket.url), [
      'wss://example.com:1/ws/?after=0', 'wss://example.com:1/ws/?after=5']);
  },

  'what waits can be seen, and sending says whether it waits'() {
    const bridge = connected();
    assert.strictEqual(bridge.send({n: 1}), false);
    assert.strictEqual(bridge.stream('s').send({n: 2}), false);
    assert.deepStrictEqual(bridge.socket.waiting, ['{"n":1}', '{"stream":"s","payload":{"n":2}}']);
    last().open();
    assert.deepStrictEqual(bridge.socket.waiting, []);
    assert.strictEqual(bridge.send({n: 3}), true);
    assert.strictEqual(last().sent.length, 3);
  },

  'what is never sent is reported'() {
    const cases = [
      (bridge) => bridge.socket.close(), () => last().lose(1008), (bridge) => bridge.connect('/other/'),
      () => last().lose(1000),
    ];
    for (const end of cases) {
      const bridge = connected();
      const unsent = [];
      const socket = bridge.socket;
      socket.addEventListener('unsent', (event) => unsent.push(...event.messages));
      bridge.send({n: 1});
      bridge.send({n: 2});
      assert.deepStrictEqual(unsent, []);
      end(bridge);
      assert.deepStrictEqual(unsent, ['{"n":1}', '{"n":2}']);
      // Nobody waits for a connection any more.
      assert.strictEqual(socket.send('late'), false);
      assert.strictEqual(unsent.pop(), 'late');
      assert.deepStrictEqual(socket.waiting, []);
    }
  },

  'so is what a full queue drops'() {
    const bridge = connected({maxQueue: 2});
    const unsent = [];
    bridge.socket.onunsent = (event) => unsent.push(...event.messages);
    [1, 2, 3, 4].forEach((n) => bridge.send(n));
    assert.deepStrictEqual(unsent, ['1', '2']);
    assert.deepStrictEqual(bridge.socket.waiting, ['3', '4']);
  },

  'what is in the browser still when the connection breaks is reported'() {
    const cases = [
      [10, ['"a"', '"ü"', '"c"']], [8, ['"a"', '"ü"', '"c"']], [7, ['"ü"', '"c"']], [4, ['"ü"', '"c"']], [3, ['"c"']],
      [1, ['"c"']], [0, []],
    ];
    for (const [left, expected] of cases) {
      for (const code of [1006, 1008]) {
        const bridge = connected();
        const seen = [];
        bridge.socket.onclose = () => seen.push('closed');
        bridge.socket.onunsent = (event) => seen.push(event.messages);
        last().open();
        bridge.send('long gone');
        last().slow = true;
        ['a', 'ü', 'c'].forEach((text) => assert.strictEqual(bridge.send(text), true));
        last().bufferedAmount = left;
        last().lose(code);
        assert.deepStrictEqual(seen, expected.length ? ['closed', expected] : ['closed']);
        // It may be what the connection broke from, so it doesn't go out by itself.
        assert.deepStrictEqual(bridge.socket.waiting, []);
      }
    }
  },

  'each connection has a buffer of its own'() {
    const bridge = connected();
    const unsent = [];
    bridge.socket.onunsent = (event) => unsent.push(...event.messages);
    for (const text of ['one', 'two']) {
      last().open();
      last().slow = true;
      bridge.send('gone');
      last().bufferedAmount = 0;
      bridge.send(text);
      last().lose(1006);
      assert.deepStrictEqual(unsent.splice(0), ['"' + text + '"']);
      pending()[0].action();
    }
  },

  'what a listener to "open" sends comes before what has waited'() {
    const bridge = connected();
    bridge.send('waited');
    bridge.socket.onopen = () => {
      bridge.send('who I am');
      assert.deepStrictEqual(bridge.socket.waiting, ['"waited"']);
    };
    last().open();
    assert.deepStrictEqual(last().sent, ['"who I am"', '"waited"']);
  },

  'a listener that raises holds nothing back'() {
    const bridge = connected();
    const unsent = [];
    const raise = () => { throw new Error('of the page'); };
    bridge.socket.addEventListener('open', raise);
    bridge.socket.addEventListener('close', raise);
    bridge.socket.onunsent = (event) => unsent.push(...event.messages);
    bridge.send(1);
    assert.throws(() => last().open(), /of the page/);
    assert.deepStrictEqual(last().sent, ['1']);
    last().slow = true;
    bridge.send(2);
    assert.throws(() => last().lose(1006), /of the page/);
    bridge.send(3);
    bridge.socket.close();
    assert.deepStrictEqual(unsent, ['2', '3']);
  },

  'what nobody listens for is told to the console'() {
    const told = [];
    const warn = console.warn;
    console.warn = (text) => told.push(text);
    try {
      const bridge = connected();
      bridge.send({n: 1});
      bridge.socket.close();
    } finally {
      console.warn = warn;
    }
    assert.deepStrictEqual(told, ['Not sent, since there is no connection: 1 message(s).']);
  },

  'a function that raises is asked again for its url'() {
    const bridge = new channels.WebSocketBridge();
    const urls = ['/1/', null, null, '/2/'];
    bridge.connect(() => {
      const url = urls.shift();
      if (url === null) {
        throw new Error('no token');
      }
      return url;
    });
    last().lose(1006);
    assert.strictEqual(bridge.send({n: 1}), false);
    assert.throws(() => pending()[0].action(), /no token/);
    assert.throws(() => bridge.socket.retry(), /no token/);
    assert.strictEqual(sockets.length, 1);
    pending().pop().action();
    last().open();
    assert.deepStrictEqual([last().url, last().sent], ['wss://example.com:1/2/', ['{"n":1}']]);
  },

  'a function that closes for good and raises is not asked again'() {
    const bridge = new channels.WebSocketBridge();
    const answers = [() => '/1/', () => { bridge.socket.close(); throw new Error('logged out'); }];
    bridge.connect(() => answers.shift()());
    last().lose(1006);
    const number = timers.length;
    assert.throws(() => pending()[0].action(), /logged out/);
    assert.strictEqual(timers.length, number);
  },

  'which codes are final can be said'() {
    const bridge = connected({finalCodes: [3000]});
    last().lose(1008);
    assert.strictEqual(pending().length, 1);
    pending()[0].action();
    last().lose(3000);
    assert.strictEqual(pending().filter((timer) => timer.delay !== 10000).length, 1);
    assert.strictEqual(sockets.length, 2);
    assert.strictEqual(bridge.send({}), false);
  },

  'events of every connection can be listened to'() {
    const bridge = connected();
    const seen = [];
    const listener = (event) => seen.push(event.type);
    bridge.socket.addEventListener('open', listener);
    bridge.socket.addEventListener('close', listener);
    last().open();
    last().lose(1006);
    pending()[0].action();
    last().open();
    bridge.socket.removeEventListener('close', listener);
    last().lose(1006);
    assert.deepStrictEqual(seen, ['open', 'close', 'open']);
  },
};

Object.keys(tests).forEach((name) => {
  sockets = [];
  timers = [];
  network = {online: [], offline: []};
  tests[name]();
  console.log(name);
});
