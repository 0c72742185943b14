'use strict';
/*
 * A channel layer in JavaScript, written from docs/standards/transport.txt.
 * For tests: it shows that the document says enough.
 */
const crypto = require('node:crypto');
const {EventEmitter} = require('node:events');
const {Connection, Unavailable, call, checked} = require('./connection');
const {Malformed, pack, unpack} = require('./encoding');
const entries = require('./entries');

const PIECE = 1 << 20;
const GRACE = 60000;
const WAIT = 5;
const MANY = 64;

class ChannelFull extends Error {}

function token(length) {
  return crypto.randomBytes(16).toString('hex').slice(-length);
}

/** What is known of one shard, and the connection that all senders share. */
/** Return [queue, [entry, ...]] of the reply of BLMPOP, or of BLPOP, which has one entry. */
function popped(reply) {
  return reply && !Array.isArray(reply[1]) ? [reply[0], [reply[1]]] : reply;
}

class Shard {
  constructor(layer, url, number) {
    this.layer = layer;
    this.url = url;
    this.number = number;
    this.base = `${layer.prefix}{${number}}:`;
    this.statistics = `${this.base}statistics`;
    this.connection = new Connection(url, this);
    // For the commands of receive() that block.
    this.waiting = new Connection(url, this);
    this.offset = null;
    this.epoch = null;
    this.mark = 0;
    this.groupsMark = 0;
    this.run = '';
    // Queue -> deadline of what was taken from it last.
    this.taken = new Map();
    this.counts = new Map();
    // Whether the server has LMPOP and BLMPOP.
    this.popsMany = true;
  }

  key(kind, ...names) {
    return `${this.base}${kind}:${names.join(':')}`;
  }

  hello() {
    return call('hello', [this.statistics, this.key('w', '')], [
      token(16), this.layer.statisticsLifetime, entries.NEWEST, this.mark, this.epoch ?? '', this.groupsMark, this.run,
    ]);
  }

  /** Take the answer of hello.lua, and return the commands that have to follow. */
  heard([seconds, microseconds, epoch, popsMany, , mark, run, wentBack], asked) {
    this.popsMany = Boolean(popsMany);
    this.offset = Number(seconds) * 1000 + Number(microseconds) / 1000 - asked;
    const lost = this.epoch !== null && this.epoch !== String(epoch);
    this.epoch = String(epoch);
    if (lost) this.mark = this.groupsMark = 0;
    this.sawMark(mark);
    this.run = String(run);
    if (lost) this.layer.emit('lost', this.number);
    return lost || wentBack ? this.forget() : [];
  }

  /** Return the commands that drop what was taken, and may be there again. */
  forget() {
    this.dropOld();
    const commands = [...this.taken].map(([queue, deadline]) => call('forget', [this.key('q', queue)], [deadline]));
    return commands.concat([...this.taken.keys()].filter((queue) => queue.endsWith('!')).map(
      (queue) => ['DEL', this.key('p', queue)]));
  }

  /** Remember the last of what was taken from a queue. */
  took(queue, data) {
    if (data.length >= 12) this.taken.set(queue, Number(data.readBigUInt64BE(2)));
    if (this.taken.size > 1000) this.dropOld();
  }

  dropOld() {
    for (const [queue, deadline] of this.taken) if (deadline <= this.now()) this.taken.delete(queue);
  }

  /** Remember the latest mark that the server was seen to have. */
  sawMark(mark) {
    if (Buffer.isBuffer(mark) || typeof mark === 'string') this.mark = Math.max(this.mark, Number(mark));
  }

  /** The server's time in ms. */
  now() {
    return performance.now() + this.offset;
  }

  count(counter, queue) {
    const field = `${counter}:${entries.countedAs(queue)}`;
    this.counts.set(field, (this.counts.get(field) || 0) + 1);
  }

  /** Return the commands that write what was counted. */
  counted() {
    const commands = [...this.counts].map(([field, number]) => ['HINCRBY', this.statistics, field, number]);
    if (commands.length) commands.push(['PEXPIRE', this.statistics, this.layer.statisticsLifetime]);
    this.counts.clear();
    return commands;
  }

  async say(...commands) {
    return this.connection.say(commands);
  }

  async ask(command) {
    return checked((await this.say(command))[0]);
  }
}

class Layer extends EventEmitter {
  constructor({servers, prefix = 'channels:', lifetime = 60000, groupLifetime = 86400000, capacity = 100, secrets = []}) {
    super();
    Object.assign(this, {prefix, lifetime, groupLifetime, capacity});
    this.statisticsLifetime = Math.max(groupLifetime, 86400000);
    this.cipher = secrets.length ? new entries.Cipher(secrets, prefix) : null;
    this.pieceSize = this.cipher ? PIECE - 40 : PIECE;
    this.flags = this.cipher ? entries.ENCRYPTED | entries.BOUND : 0;
    this.shards = servers.map((url, number) => new Shard(this, url, number));
    this.turn = crypto.randomInt(servers.length);
    // Queue -> group -> {version, clients}.
    this.members = new Map();
    // Queue -> client -> messages that were taken since that was told.
    this.taken = new Map();
    this.readers = [];
    this.closed = false;
  }

  async open() {
    await Promise.all(this.shards.map((shard) => shard.connection.open()));
    const ask = () => this.shards.forEach((shard) => shard.connection.ready && shard.connection.greet().catch(() => {}));
    // The server may have older lists again.
    this.on('lost', (number) => [...this.members.keys()].filter((queue) => this.shardOf(queue).number === number)
      .forEach((queue) => this.members.delete(queue)));
    this.timer = setInterval(ask, 60000).unref();
  }

  close() {
    this.closed = true;
    clearInterval(this.timer);
    for (const shard of this.shards) {
      shard.connection.close();
      shard.waiting.close();
    }
    for (const connection of this.readers) connection.close();
  }

  /** Return a name, made up by make(), that stays where it is when shards are added. */
  lasting(make) {
    const number = this.shards.length;
    for (;;) {
      const name = make(token(20));
      if (entries.place(entries.split(name)[0], 2 * number) < number) return name;
    }
  }

  shardOf(queue) {
    return this.shards[entries.place(queue, this.shards.length)];
  }

  /** Return the shards of a queue in the order in which to try them. */
  shardsOf(queue) {
    if (/[!?]/.test(queue)) return [this.shardOf(queue)];
    const start = this.turn++ % this.shards.length;
    return [...this.shards.slice(start), ...this.shards.slice(0, start)];
  }

  queueCapacity(queue) {
    return queue.endsWith('!') ? this.capacity * 100 : this.capacity;
  }

  // Sending

  /** Send a message; throw ChannelFull or Unavailable. */
  async send(channel, message) {
    const [queue, client] = entries.split(channel);
    const body = pack(message);
    const shards = this.shardsOf(queue);
    for (const shard of shards) {
      try {
        await shard.connection.open();
      } catch (error) {
        if (shard === shards.at(-1)) throw error;
        continue;
      }
      if (await (body.length > this.pieceSize ? this.putLarge(shard, queue, client, body) :
        this.put(shard, queue, client, this.flags, this.sealed(shard, entries.MESSAGE, channel, body)))) return;
    }
    throw new ChannelFull(channel);
  }

  /** Return a body as it travels, bound to where it belongs if it is encrypted. */
  sealed(shard, kind, target, body) {
    if (!this.cipher) return body;
    const ends = entries.time(shard.now() + this.lifetime);
    const context = this.cipher.context(shard.number, kind | this.flags, ends, target);
    return Buffer.concat([ends, this.cipher.encrypt(body, context)]);
  }

  async put(shard, queue, client, flags, body) {
    const deadline = shard.now() + this.lifetime;
    const entry = Buffer.concat([entries.header(entries.MESSAGE | flags, deadline, client), body]);
    const keys = [shard.key('q', queue), shard.statistics], own = queue.endsWith('!');
    if (own) keys.push(shard.key('p', queue));
    return (await shard.ask(call('send', keys, [
      this.lifetime, this.queueCapacity(queue), entries.countedAs(queue), this.statisticsLifetime,
      own ? this.capacity : '', entry,
    ]))) === 1;
  }

  async putLarge(shard, queue, client, body) {
    const [length, pending] = await shard.say(['LLEN', shard.key('q', queue)], ['HGET', shard.key('p', queue), client]);
    if (checked(length) >= this.queueCapacity(queue) || Number(checked(pending)) >= this.capacity) {
      const head = await shard.ask(['LINDEX', shard.key('q', queue), 0]);
      if (head && Number(head.readBigUInt64BE(2)) > shard.now()) return false;
    }
    const {key, reference} = await this.upload(shard, entries.MESSAGE, queue + client, body);
    await shard.ask(['HSET', key, 'readers', 1]);
    if (await this.put(shard, queue, client, entries.IN_PIECES | this.flags, reference)) return true;
    await shard.ask(['DEL', key]);
    return false;
  }

  async upload(shard, kind, target, body) {
    const identifier = token(16), key = shard.key('b', identifier), ends = entries.time(shard.now() + this.lifetime + GRACE);
    const whole = {identifier, size: body.length, pieces: Math.ceil(body.length / this.pieceSize)};
    const context = this.cipher && this.cipher.context(shard.number, kind | entries.IN_PIECES | this.flags, ends, target);
    for (let index = 0; index < whole.pieces; index++) {
      let piece = body.subarray(index * this.pieceSize, (index + 1) * this.pieceSize);
      if (this.cipher) piece = this.cipher.encrypt(piece, entries.pieceContext(context, whole, index));
      (await shard.say(['HSET', key, index, piece], ['PEXPIRE', key, this.lifetime + GRACE])).forEach(checked);
    }
    const reference = entries.reference(identifier, whole.size, whole.pieces);
    return {key, reference: this.cipher ? Buffer.concat([reference, ends]) : reference};
  }

  // Groups

  groupAdd(group, channel) {
    return this.changeGroup('group_add', group, channel);
  }

  groupDiscard(group, channel) {
    return this.changeGroup('group_discard', group, channel);
  }

  async changeGroup(script, group, channel) {
    const [queue, client] = entries.split(channel), shard = this.shardOf(queue);
    const keys = [shard.key('g', group), shard.key('m', group, queue), shard.key('d', group, queue), shard.statistics];
    shard.sawMark(await shard.ask(call(script, keys, [queue, client, this.groupLifetime, this.queueCapacity(queue)])));
    shard.groupsMark = shard.mark;
  }

  async sendGroup(group, message) {
    const body = pack(message);
    const large = body.length > this.pieceSize;
    await Promise.all(this.shards.map(async (shard) => {
      const keys = [shard.key('g', group), shard.statistics];
      let {flags} = this, content;
      if (large) {
        if (!await shard.ask(['EXISTS', keys[0]])) return;
        const {key, reference} = await this.upload(shard, entries.GROUP, group, body);
        keys.push(key);
        flags |= entries.IN_PIECES;
        content = reference;
      } else {
        content = this.sealed(shard, entries.GROUP, group, body);
      }
      await shard.ask(call('group_send', keys, [
        shard.base, group, Buffer.from([1]), flags, this.lifetime, this.statisticsLifetime, this.lifetime + GRACE,
        content,
      ]));
    }));
  }

  async groupChannels(group) {
    const found = await Promise.all(this.shards.map(async (shard) => {
      const reply = await shard.ask(call('group_members', [shard.key('g', group)], [shard.base, group, '']));
      const channels = [];
      for (let index = 0; index < reply.length; index += 3) {
        for (const client of reply[index + 2]) channels.push(`${reply[index]}${client}`);
      }
      return channels;
    }));
    return found.flat();
  }

  // Receiving: a process's own queues

  /** Call deliver(channels, message) with all that comes on one `!` queue. */
  async read(queue, deliver) {
    const shard = this.shardOf(queue);
    // What blocks one reader mustn't block another.
    const connection = new Connection(shard.url, shard);
    this.readers.push(connection);
    let pause = 50;
    while (!this.closed) {
      const reports = this.reports(shard, queue);
      let replies;
      try {
        replies = await connection.say([...reports, this.awaited([shard.key('q', queue)], MANY, shard, 'reader')]);
        for (const reply of replies.slice(0, reports.length)) shard.sawMark(reply);
        if (replies.slice(0, reports.length).some((reply) => reply instanceof Error)) this.taken.set(queue, null);
        checked(replies.at(-1));
        pause = 50;
      } catch (error) {
        if (reports.length) this.taken.set(queue, null);
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(2 * pause, 2000);
        continue;
      }
      const reply = popped(replies.at(-1));
      if (reply) shard.took(queue, reply[1].at(-1));
      for (const data of reply ? reply[1] : []) {
        const delivery = await this.arrived(shard, queue, data);
        if (delivery) deliver(...delivery);
      }
    }
  }

  /** Return the command that waits for entries; popped() reads its reply. */
  awaited(keys, count, shard, reader) {
    if (!shard.popsMany) return ['BLPOP', shard.key('w', reader), ...keys, WAIT];
    return ['BLMPOP', WAIT, keys.length + 1, shard.key('w', reader), ...keys, 'LEFT', 'COUNT', count];
  }

  /** Return the commands that tell what was taken; null means: nobody knows. */
  reports(shard, queue) {
    const taken = this.taken.get(queue), key = shard.key('p', queue), commands = shard.counted();
    this.taken.set(queue, new Map());
    if (taken === null) return [...commands, ['DEL', key]];
    return taken && taken.size ? [...commands, call('received', [key, shard.statistics], [...taken].flat())] : commands;
  }

  // Receiving: normal channels and `?` channels, one message at a time

  /** Return [channel, message], or null if none comes. */
  async receive(channels) {
    const reader = token(12);
    const byShard = new Map();
    for (const channel of channels) {
      for (const shard of this.shardsOf(channel)) {
        byShard.set(shard, [...(byShard.get(shard) || []), channel]);
      }
    }
    for (const [shard, queues] of byShard) {
      const keys = shuffled(queues.map((queue) => shard.key('q', queue)));
      const pop = shard.popsMany ? ['LMPOP', keys.length, ...keys, 'LEFT', 'COUNT', 1] : call('pop', keys, [1]);
      const replies = await shard.say(...shard.counted(), pop);
      const message = await this.opened(shard, checked(replies.at(-1)));
      if (message) return message;
    }
    return this.wait(byShard, reader);
  }

  async wait(byShard, reader) {
    const answers = new Map();
    let first, woken = new Set();
    const begun = new Promise((resolve) => { first = resolve; });
    const waits = [...byShard].map(async ([shard, queues]) => {
      const keys = shuffled(queues.map((queue) => shard.key('q', queue)));
      try {
        const [reply] = await shard.waiting.say([this.awaited(keys, 1, shard, reader)]);
        answers.set(shard, popped(checked(reply)));
      } catch (error) {
        answers.set(shard, null);
      }
      first();
    });
    await begun;
    for (const shard of byShard.keys()) {
      if (answers.has(shard)) continue;
      woken.add(shard);
      const key = shard.key('w', reader);
      await shard.say(['RPUSH', key, 1], ['PEXPIRE', key, 2000]).catch(() => {});
    }
    await Promise.all(waits);
    let found = null;
    for (const [shard, reply] of answers) {
      const isWake = reply && String(reply[0]) === shard.key('w', reader);
      if (woken.has(shard) && !isWake) await shard.ask(['DEL', shard.key('w', reader)]);
      if (!reply || isWake) continue;
      if (found) {
        await shard.ask(call('requeue', [String(reply[0])], [this.lifetime, ...reply[1].reverse()]));
      } else {
        found = await this.opened(shard, reply);
      }
    }
    return found;
  }

  async opened(shard, reply) {
    if (!reply) return null;
    const queue = String(reply[0]).slice(shard.key('q', '').length);
    shard.took(queue, reply[1][0]);
    const delivery = await this.arrived(shard, queue, reply[1][0]);
    return delivery && [delivery[0][0], delivery[1]];
  }

  // Entries

  /** Return [channels, message] of an entry, or null if it was dropped. */
  async arrived(shard, queue, data) {
    try {
      const entry = entries.parse(data, queue);
      let channels = [entry.kind === entries.MESSAGE ? queue + entry.label : queue];
      if (entry.kind === entries.GROUP) {
        channels = await this.follow(shard, queue, entry);
      } else if (queue.endsWith('!')) {
        const taken = this.taken.get(queue);
        if (taken) taken.set(entry.label, (taken.get(entry.label) || 0) + 1);
      }
      if (entry.deadline <= shard.now()) {
        shard.count('expired', queue);
        return null;
      }
      return [channels, await this.message(shard, queue, entry)];
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      const counter = error instanceof entries.Unsupported ? 'unsupported' :
        error instanceof entries.Expired ? 'expired' : 'malformed';
      shard.count(error.message === 'lost' ? 'lost' : counter, queue);
      return null;
    }
  }

  /** Return the full names of the clients that a group's entry is for. */
  async follow(shard, queue, entry) {
    if (!this.members.has(queue)) this.members.set(queue, new Map());
    const groups = this.members.get(queue), known = groups.get(entry.label);
    if (entry.base === 0n && entry.changes.length) {
      if (!known || known.version < entry.version) {
        groups.set(entry.label, changed({clients: new Set()}, entry));
      }
    } else if (!known || known.version < entry.base) {
      const reply = await shard.ask(call('group_members', [shard.key('g', entry.label)], [shard.base, entry.label, queue]));
      groups.set(entry.label, {version: BigInt(String(reply[1])), clients: new Set(reply[2].map(String))});
    } else if (known.version < entry.version) {
      changed(known, entry);
    }
    return [...groups.get(entry.label).clients].map((client) => queue + client);
  }

  async message(shard, queue, entry) {
    const {cipher} = this, inPieces = entry.flags & entries.IN_PIECES;
    const isWhole = entry.flags & entries.WHOLE;
    if ((entry.flags & ~(entries.IN_PIECES | entries.WHOLE)) !== this.flags) {
      throw new Malformed('encrypted, or not, against our settings');
    }
    const split = inPieces ? entry.body.length - 8 : 8;
    let context = null, {body: reference} = entry;
    if (cipher) {
      const ends = inPieces ? entry.body.subarray(Math.max(split, 0)) : entry.body.subarray(0, split);
      entries.checkEnds(ends, shard.now());
      const target = entry.kind === entries.MESSAGE ? queue + entry.label : entry.label;
      context = cipher.context(shard.number, entry.kind | entry.flags, ends, target);
      if (inPieces) reference = entry.body.subarray(0, split);
    }
    if (!inPieces) return unpack(cipher ? cipher.decrypt(entry.body.subarray(split), context) : entry.body);
    const whole = entries.parseReference(reference, isWhole), {identifier, size, pieces} = whole;
    const key = shard.key('b', identifier), parts = [];
    for (let index = 0; index < pieces; index++) {
      const piece = await shard.ask(isWhole ? ['GETDEL', key] : ['HGET', key, index]);
      if (piece === null) throw new Malformed('lost');
      parts.push(cipher ? cipher.decrypt(piece, entries.pieceContext(context, whole, index)) : piece);
    }
    if (!isWhole) await shard.ask(call('release', [key], []));
    const body = Buffer.concat(parts);
    if (body.length !== size) throw new Malformed('pieces of another size than the reference says');
    return unpack(body);
  }
}

function changed(members, entry) {
  for (const change of entry.changes) {
    if (change[0] === '+') members.clients.add(change.slice(1));
    else members.clients.delete(change.slice(1));
  }
  members.version = entry.version;
  return members;
}

function shuffled(items) {
  const start = crypto.randomInt(items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

module.exports = {ChannelFull, Layer, Unavailable, token};
