'use strict';
/* One connection to one server: greeted as the transport standard wants it. */
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const Redis = require('ioredis');

const STANDARD = path.join(__dirname, '..', '..', 'docs', 'standards');
const LUA = path.join(STANDARD, 'lua');
const COMMAND_TIMEOUT = 15000;

const scripts = {};
for (const [name, script] of Object.entries(vectors('transport.json').scripts)) {
  const text = script.files.map((file) => fs.readFileSync(path.join(LUA, file), 'utf8')).join('');
  scripts[name] = {text, sha: script.sha1};
  if (crypto.createHash('sha1').update(text).digest('hex') !== script.sha1) {
    throw new Error(`The script ${name} is not that of the standard.`);
  }
}

/** Return the content of a file of test vectors. */
function vectors(name) {
  return JSON.parse(fs.readFileSync(path.join(STANDARD, 'vectors', name), 'utf8'));
}

class Unavailable extends Error {}

/** A call of a script, as a command. */
function call(name, keys, args) {
  return ['EVALSHA', scripts[name].sha, keys.length, ...keys, ...args];
}

class Connection {
  constructor(url, shard) {
    this.shard = shard;
    this.redis = new Redis(url, {
      lazyConnect: true, enableOfflineQueue: false, connectTimeout: 5000, socketTimeout: COMMAND_TIMEOUT,
      // What was written is never repeated, and what can't be written fails.
      autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(50 * 2 ** times, 2000),
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    });
    // What fails is told by the command that fails.
    this.redis.on('error', () => {});
    this.redis.on('ready', () => { this.ready = this.greet(); this.ready.catch(() => {}); });
    this.redis.on('close', () => { this.ready = null; });
    this.ready = null;
  }

  async open() {
    if (this.redis.status === 'wait') this.first = this.redis.connect();
    try {
      await this.first;
      await this.ready;
    } catch (error) {
      throw new Unavailable(error.message);
    }
    if (!this.ready) throw new Unavailable('not connected');
  }

  async greet() {
    const load = Object.values(scripts).map(({text}) => ['SCRIPT', 'LOAD', text]);
    const asked = performance.now();
    const replies = await this.raw([...load, this.shard.hello()]);
    for (const reply of replies) if (reply instanceof Error) throw reply;
    const next = this.shard.heard(replies.at(-1), asked);
    if (next.length) await this.raw(next);
  }

  /** Send commands in one write; return their replies, errors among them. */
  async raw(commands) {
    const pipeline = this.redis.pipeline();
    for (const [name, ...args] of commands) pipeline.callBuffer(name, ...args);
    const replies = await pipeline.exec();
    return replies.map(([error, reply]) => error || reply);
  }

  /** As raw(), on a connection that was greeted; throw Unavailable. */
  async say(commands) {
    await this.open();
    let replies;
    try {
      replies = await this.raw(commands);
      const missing = commands.filter((_, index) => isCode(replies[index], 'NOSCRIPT'));
      if (missing.length) {
        await this.greet();
        const again = await this.raw(missing);
        replies = replies.map((reply) => (isCode(reply, 'NOSCRIPT') ? again.shift() : reply));
      }
    } catch (error) {
      throw new Unavailable(error.message);
    }
    if (replies.some((reply) => reply instanceof Error && !(reply instanceof Redis.ReplyError))) {
      throw new Unavailable('the connection was cut');
    }
    return replies;
  }

  close() {
    this.redis.disconnect();
  }
}

function isCode(reply, code) {
  return reply instanceof Error && reply.message.startsWith(code);
}

/** Return a reply; throw what the server refused a command with. */
function checked(reply) {
  if (reply instanceof Error) throw new Unavailable(reply.message);
  return reply;
}

/** The texts of all scripts. */
const load = Object.values(scripts).map(({text}) => text);

module.exports = {Connection, Unavailable, call, checked, load, vectors};
