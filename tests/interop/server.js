'use strict';
/*
 * A minimal interface server: HTTP/1.1 and WebSocket on one side, messages as
 * docs/standards/messages.txt has them on the other.
 */
const http = require('node:http');
const {WebSocket, WebSocketServer} = require('ws');
const {ChannelFull, Layer, token} = require('./layer');

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
      text += found === null ? run.slice(start, start + 3) : found;
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

/** Return header pairs as Node's flat list; throw TypeError for bad ones. */
function flatHeaders(pairs, drop = []) {
  const flat = [];
  for (const [name, value] of pairs || []) {
    const header = [Buffer.from(name).toString('latin1'), Buffer.from(value).toString('latin1')];
    http.validateHeaderName(header[0]);
    http.validateHeaderValue(...header);
    if (!drop.includes(header[0].toLowerCase())) flat.push(...header);
  }
  return flat;
}

const OF_THE_CONNECTION = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'upgrade'];

function common(request, scheme) {
  const [path, ...query] = request.url.split('?');
  const {remoteAddress, remotePort, localAddress, localPort} = request.socket;
  return {
    path: decodedPath(path), query_string: Buffer.from(query.join('?'), 'latin1'), root_path: '', scheme,
    headers: headerPairs(request.rawHeaders), client: [remoteAddress, remotePort], server: [localAddress, localPort],
  };
}

class Server {
  constructor(layer) {
    this.layer = layer;
    const process = token(20);
    this.responses = `http.response.${process}!`;
    this.sockets = `websocket.send.${process}!`;
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
    this.clients.set(channel, {reply: (reply) => this.onResponse(response, reply)});
    response.on('close', () => {
      this.clients.delete(channel);
      this.sendSoon('http.disconnect', {reply_channel: channel, path: message.path});
      if (!response.writableEnded) this.sendSoon(`http.disconnect?${channel.replace('!', '.')}`, {closed: true});
    });
    try {
      await this.sendRequest(request, message);
    } catch (error) {
      if (!response.headersSent) response.writeHead(503);
      response.end();
    }
  }

  async sendRequest(request, message) {
    let waiting = Buffer.alloc(0), body = null;
    for await (const data of request) {
      waiting = Buffer.concat([waiting, data]);
      if (waiting.length <= FIRST) continue;
      if (body === null) {
        body = `http.request.body?${token(20)}`;
        await this.send('http.request', {...message, body: waiting, body_channel: body});
      } else {
        await this.send(body, {content: waiting, more_content: true}, PATIENCE);
      }
      waiting = Buffer.alloc(0);
    }
    if (body === null) await this.send('http.request', {...message, body: waiting});
    else await this.send(body, {content: waiting}, PATIENCE);
  }

  onResponse(response, message) {
    if (response.writableEnded || 'request' in message) return;
    if ('status' in message) {
      try {
        response.writeHead(message.status, flatHeaders(message.headers, OF_THE_CONNECTION));
      } catch (error) {
        response.writeHead(500);
        response.end();
        return;
      }
    }
    if (message.closed) response.destroy();
    else if (message.more_content) response.write(message.content || '');
    else response.end(message.content || '');
  }

  // WebSocket

  onUpgrade(request, socket, head) {
    const channel = this.sockets + token(12), path = common(request).path;
    const client = {order: 0, websocket: null, code: 1006};
    client.reply = (message) => this.onReply(client, message);
    client.close = (code) => (client.websocket ? client.websocket.close(code) : socket.destroy());
    client.refuse = ({status = 403, headers, content = Buffer.alloc(0)}) => {
      const lines = flatHeaders(headers, ['content-length', ...OF_THE_CONNECTION]);
      const rest = lines.map((part, index) => part + (index % 2 ? '\r\n' : ': ')).join('');
      socket.write(`HTTP/1.1 ${status} ${http.STATUS_CODES[status] || 'Refused'}\r\nConnection: close\r\n` +
        `Content-Length: ${content.length}\r\n${rest}\r\n`, 'latin1');
      socket.end(content);
    };
    client.accept = ({subprotocol, headers}) => {
      const lines = flatHeaders(headers);
      request.subprotocol = subprotocol;
      request.acceptedHeaders = lines.filter((_, index) => index % 2 === 0).map((name, index) => `${name}: ${lines[2 * index + 1]}`);
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
    socket.on('close', () => {
      this.clients.delete(channel);
      // Frames before it are on their way.
      client.sent = (client.sent || Promise.resolve()).then(() => this.sendSoon('websocket.disconnect', {
        reply_channel: channel, path, order: ++client.order, code: client.code,
      }));
    });
    this.send('websocket.connect', {...common(request, 'ws'), reply_channel: channel, order: 0})
      .catch(() => client.refuse({status: 503}));
  }

  onFrame(client, message) {
    const before = client.sent || Promise.resolve();
    client.sent = before.then(() => this.send('websocket.receive', message, 2000)).catch(() => client.close(1013));
  }

  onReply(client, message) {
    const {text, bytes, close = false} = message;
    const hasText = text !== undefined && text !== null && text !== '';
    const hasBytes = bytes !== undefined && bytes !== null && bytes.length > 0;
    if (hasText && hasBytes) return;
    if (!client.websocket) {
      if (message.accept === false || (!message.accept && !hasText && !hasBytes && close)) {
        client.refuse(message);
        return;
      }
      if (!message.accept && !hasText && !hasBytes) return;
      client.accept(message);
    }
    if (client.websocket.readyState !== WebSocket.OPEN) return;
    if (hasText) client.websocket.send(text);
    if (hasBytes) client.websocket.send(bytes);
    if (close) client.websocket.close(close === true ? 1000 : close, message.reason || '');
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
