'use strict';
/*
 * A minimal interface server: HTTP/1.1 and WebSocket on one side, messages as
 * docs/standards/messages.txt has them on the other.
 */
const http = require('node:http');
const {WebSocket, WebSocketServer} = require('ws');
const {ChannelFull, Layer, token} = require('./layer');
const {Malformed, Reply, checkSocketReply} = require('./replies');

//: Bytes of a body that come with the request; the rest comes in chunks.
const FIRST = 65536;
const PATIENCE = 30000;

/** Undo percent-encoding; bytes that aren't UTF-8 stay as they are. */
function decodedPath(path) {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    let text = '';
    for (let start = 0; start < run.length;) {
      let length = 0, found = null;
      while (found === null && (length += 3) <= 12 && start + length <= run.length) {
        try {
          found = decodeURIComponent(run.slice(start, start + length));
        } catch (error) {
          // More bytes may make a character of it.
        }
      }
      length = found === null ? 3 : length;
      text += found === null ? run.slice(start, start + 3).toUpperCase() : found;
      start += length;
    }
    return text;
  });
}

/** Return pairs of byte strings, from Node's flat list. */
function headerPairs(raw) {
  const pairs = [];
  for (let index = 0; index < raw.length; index += 2) {
    if (!raw[index].includes('_')) {
      pairs.push([Buffer.from(raw[index].toLowerCase(), 'latin1'), Buffer.from(raw[index + 1], 'latin1')]);
    }
  }
  return pairs;
}

/** Return the status that a bad handshake is refused with, or null. */
function handshakeProblem({method, headers}) {
  if (method !== 'GET' || !/^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] || '')) return 400;
  return headers['sec-websocket-version'] === '13' ? null : 426;
}

/** Return [target, Host or null]; a target in absolute form has one of its own. */
function splitTarget(url) {
  const found = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (!found) return [url, null];
  return [found[2].startsWith('/') ? found[2] : `/${found[2]}`, found[1]];
}

function common(request, scheme) {
  const [target, host] = splitTarget(request.url);
  const [path, ...query] = target.split('?');
  const {remoteAddress, remotePort, localAddress, localPort} = request.socket;
  let headers = headerPairs(request.rawHeaders);
  if (host !== null) {
    headers = [[Buffer.from('host'), Buffer.from(host, 'latin1')], ...headers.filter(([name]) => String(name) !== 'host')];
  }
  return {
    version: 1, path: decodedPath(path), query_string: Buffer.from(query.join('?'), 'latin1'), root_path: '', scheme,
    headers, client: [remoteAddress, remotePort], server: [localAddress, localPort],
  };
}

class Server {
  constructor(layer) {
    this.layer = layer;
    this.responses = layer.lasting((process) => `http.response.${process}!`);
    this.sockets = layer.lasting((process) => `websocket.send.${process}!`);
    this.clients = new Map();
    this.http = http.createServer((request, response) => this.onRequest(request, response));
    this.websockets = new WebSocketServer({
      noServer: true, clientTracking: false, handleProtocols: (offered, request) => request.subprotocol || false,
    });
    this.websockets.on('headers', (lines, request) => lines.push(...request.acceptedHeaders));
    this.http.on('upgrade', (request, socket, head) => this.onUpgrade(request, socket, head));
    layer.on('lost', (number) => this.onLost(number));
  }

  async start(port) {
    await this.layer.open();
    for (const queue of [this.responses, this.sockets]) {
      this.layer.read(queue, (channels, message) => this.deliver(channels, message));
    }
    await new Promise((resolve) => this.http.listen(port, '127.0.0.1', resolve));
  }

  deliver(channels, message) {
    for (const channel of channels) {
      const client = this.clients.get(channel);
      if (client) client.reply(message);
    }
  }

  onLost(shard) {
    for (const [channel, client] of this.clients) {
      if (client.close && this.layer.shardOf(this.sockets).number === shard) client.close(1012, channel);
    }
  }

  /** Send, waiting for room as long as `timeout` ms. */
  async send(channel, message, timeout = 0) {
    const deadline = performance.now() + timeout;
    for (let pause = 5; ; pause = Math.min(2 * pause, 200)) {
      try {
        return await this.layer.send(channel, message);
      } catch (error) {
        if (!(error instanceof ChannelFull) || performance.now() > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  sendSoon(channel, message) {
    this.layer.send(channel, message).catch(() => {});
  }

  // HTTP

  async onRequest(request, response) {
    const channel = this.responses + token(12);
    const message = {
      ...common(request, 'http'), reply_channel: channel, http_version: request.httpVersion, method: request.method,
    };
    const reply = new Reply(request.method);
    this.clients.set(channel, {reply: (part) => this.onResponse(response, reply, part)});
    let announce;
    const announced = new Promise((resolve) => { announce = resolve; });
    response.on('close', async () => {
      this.clients.delete(channel);
      if (!await announced) return;
      this.sendSoon('http.disconnect', {reply_channel: channel, path: message.path});
      if (!response.writableEnded) this.sendSoon(`http.disconnect?${channel.replace('!', '.')}`, {closed: true});
    });
    try {
      await this.sendRequest(request, message, () => announce(true));
    } catch (error) {
      announce(false);
      if (!response.headersSent) response.writeHead(503);
      response.end();
    }
  }

  async sendRequest(request, message, announce) {
    let waiting = Buffer.alloc(0), body = null;
    for await (const data of request) {
      waiting = Buffer.concat([waiting, data]);
      if (waiting.length <= FIRST) continue;
      if (body === null) {
        body = this.layer.lasting((name) => `http.request.body?${name}`);
        await this.send('http.request', {...message, body: waiting, body_channel: body});
        announce();
      } else {
        await this.send(body, {content: waiting, more_content: true}, PATIENCE);
      }
      waiting = Buffer.alloc(0);
    }
    if (body !== null) {
      await this.send(body, {content: waiting}, PATIENCE);
    } else {
      await this.send('http.request', {...message, body: waiting});
      announce();
    }
  }

  onResponse(response, reply, message) {
    if (reply.complete || response.destroyed || (!reply.started && 'request' in message && !('status' in message))) return;
    try {
      const {status, headers, content} = reply.feed(message);
      if (status) {
        response.sendDate = true;
        response.writeHead(status, headers.flat());
        response.flushHeaders();
      }
      if (reply.complete) response.end(content);
      else if (content.length) response.write(content);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      reply.complete = true;
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    }
  }

  // WebSocket

  onUpgrade(request, socket, head) {
    const channel = this.sockets + token(12), path = common(request).path;
    const client = {order: 0, websocket: null, code: 1006};
    client.reply = (message) => this.onReply(client, message);
    client.close = (code) => (client.websocket ? client.websocket.close(code) : client.refuse({status: 503}));
    client.refuse = ({status = 403, headers = [], content = Buffer.alloc(0)}) => {
      const lines = headers.filter(([name]) => name.toLowerCase() !== 'content-length')
        .map(([name, value]) => `${name}: ${value}\r\n`).join('');
      client.refused = true;
      socket.write(`HTTP/1.1 ${status} ${http.STATUS_CODES[status] || 'Refused'}\r\nConnection: close\r\n` +
        `Content-Length: ${content.length}\r\n${lines}\r\n`, 'latin1');
      socket.end(content, () => socket.destroySoon());
    };
    const problem = handshakeProblem(request);
    if (problem) {
      client.refuse({status: problem, headers: [['Sec-WebSocket-Version', '13']]});
      return;
    }
    client.accept = ({subprotocol, headers}) => {
      const offered = (request.headers['sec-websocket-protocol'] || '').split(',').map((name) => name.trim());
      if (subprotocol !== null && !offered.includes(subprotocol)) {
        client.refuse({status: 500});
        return;
      }
      const own = headers.filter(([name]) => !/^(content-length$|sec-websocket-)/i.test(name));
      request.subprotocol = subprotocol;
      request.acceptedHeaders = own.map(([name, value]) => `${name}: ${value}`);
      this.websockets.handleUpgrade(request, socket, head, (websocket) => {
        client.websocket = websocket;
        websocket.on('message', (data, isBinary) => this.onFrame(client, {
          reply_channel: channel, path, order: ++client.order,
          ...(isBinary ? {bytes: data} : {text: data.toString('utf8')}),
        }));
        websocket.on('close', (code) => { client.code = code; });
        websocket.on('error', () => {});
      });
    };
    this.clients.set(channel, client);
    socket.on('error', () => {});
    const announced = this.send('websocket.connect', {...common(request, 'ws'), reply_channel: channel, order: 0})
      .then(() => true, () => client.refuse({status: 503}));
    socket.on('close', () => {
      this.clients.delete(channel);
      // Frames before it are on their way.
      client.sent = (client.sent || announced).then(async () => await announced && this.sendSoon('websocket.disconnect', {
        reply_channel: channel, path, order: ++client.order, code: client.code,
      }));
    });
  }

  onFrame(client, message) {
    const before = client.sent || Promise.resolve();
    client.sent = before.then(() => this.send('websocket.receive', message, 2000)).catch(() => client.close(1013));
  }

  onReply(client, message) {
    let reply;
    try {
      reply = checkSocketReply(message);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return;
    }
    const {accept, close, text, bytes, hasData} = reply;
    if (!client.websocket) {
      if (client.refused) return;
      if (accept === false || (!accept && !hasData && close)) client.refuse(reply);
      else if (accept || hasData) client.accept(reply);
    }
    if (!client.websocket || client.websocket.readyState !== WebSocket.OPEN) return;
    if (text !== null) client.websocket.send(text);
    if (bytes !== null) client.websocket.send(bytes);
    if (close) client.websocket.close(close === true ? 1000 : close, reply.reason);
  }
}

async function main() {
  const [port, ...servers] = process.argv.slice(2);
  const settings = JSON.parse(process.env.INTEROP_SETTINGS || '{}');
  const server = new Server(new Layer({servers, ...settings}));
  await server.start(Number(port));
  console.log(`Listening on port ${port}`);
  process.on('SIGINT', () => process.exit(0));
}

main();
