'use strict';
/*
 * What the tests talk to: reads one command in JSON from each line of stdin,
 * and answers each with one line on stdout. {"do": name, ...} calls the
 * function of that name below; the answer is {"ok": outcome} or
 * {"error": name, "text": why}. Messages are in the JSON of the standard.
 */
const readline = require('node:readline');
const {carryOut} = require('./calls');
const {vectors} = require('./connection');
const {Malformed, box, check, pack, unbox, unpack} = require('./encoding');
const entries = require('./entries');
const {Layer} = require('./layer');

//: Bytes that the library for msgpack reads, though the standard doesn't.
const LENIENT = ['text that is not UTF-8', 'text with an encoded surrogate', 'text in an overlong form', 'a float as key'];
//: A message that it doesn't read, with good reason.
const REFUSED = ['a key that JavaScript objects have'];
//: JSON whose numbers JavaScript rounds before anybody can look.
const ROUNDED = ['an integer beyond 64 bits', 'an integer below 64 bits'];

let layer;
const inboxes = new Map();

const commands = {
  async open({settings}) {
    layer = new Layer(settings);
    await layer.open();
  },

  send: ({channel, message}) => layer.send(channel, unbox(message)),

  /** Return [channel, message], or null after a while. */
  async receive({channels}) {
    const found = await layer.receive(channels);
    return found && [found[0], box(found[1])];
  },

  /** Begin to read a queue of this process. */
  read({queue}) {
    const inbox = {deliveries: [], wake: () => {}};
    inboxes.set(queue, inbox);
    layer.read(queue, (channels, message) => {
      inbox.deliveries.push([channels, box(message)]);
      inbox.wake();
    });
  },

  /** Return the first `count` deliveries of a queue that is read. */
  async take({queue, count}) {
    const inbox = inboxes.get(queue);
    while (inbox.deliveries.length < count) await new Promise((resolve) => { inbox.wake = resolve; });
    return inbox.deliveries.splice(0, count);
  },

  add: ({group, channel}) => layer.groupAdd(group, channel),
  discard: ({group, channel}) => layer.groupDiscard(group, channel),
  sendGroup: ({group, message}) => layer.sendGroup(group, unbox(message)),
  groupChannels: ({group}) => layer.groupChannels(group),

  /** Return what differs from the vectors of the scripts, on an empty server. */
  scripts: ({url}) => carryOut(url),

  /** Return what differs from the vectors of both standards. */
  async vectors() {
    const wrong = [];
    const same = (name, found, expected) => {
      if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push([name, found, expected]);
    };
    const refused = (name, read) => {
      try {
        read();
      } catch (error) {
        return;
      }
      wrong.push([name, 'was read']);
    };
    const encodings = vectors('json.json'), transport = vectors('transport.json');
    for (const {name, msgpack, json} of encodings.encodings.filter((vector) => !REFUSED.includes(vector.name))) {
      const message = unpack(Buffer.from(msgpack, 'hex')), parsed = JSON.parse(json);
      same(name, box(message), parsed);
      same(name, box(unbox(parsed)), parsed);
      same(name, box(unpack(pack(unbox(parsed)))), parsed);
    }
    for (const {name, msgpack, json} of encodings.read_only) {
      same(name, box(unpack(Buffer.from(msgpack, 'hex'))), JSON.parse(json));
    }
    for (const {name, json} of encodings.malformed_json.filter((vector) => !ROUNDED.includes(vector.name))) {
      refused(name, () => {
        const message = unbox(JSON.parse(json));
        if (Array.isArray(message)) throw new TypeError('no dictionary');
        check(message, 0);
      });
    }
    for (const {name, msgpack} of encodings.malformed_msgpack.filter((vector) => !LENIENT.includes(vector.name))) {
      refused(name, () => unpack(Buffer.from(msgpack, 'hex')));
    }
    for (const vector of transport.placement) {
      same(vector.channel, entries.split(vector.channel), [vector.queue, vector.client]);
      same(vector.channel, entries.crc32(vector.queue), vector.crc32);
      for (const [shards, shard] of Object.entries(vector.shard_of)) {
        same(vector.channel, entries.place(vector.queue, Number(shards)), shard);
      }
      same(vector.channel, entries.countedAs(vector.queue), vector.counted_as);
    }
    for (const vector of transport.jobs) {
      same(vector.name, entries.crc32(vector.name), vector.crc32);
      for (const [shards, shard] of Object.entries(vector.shard_of)) {
        same(vector.name, entries.place(vector.name, Number(shards)), shard);
      }
    }
    for (const vector of transport.entries) {
      const queue = vector.queue || (vector.label || vector.kind === 2 ? 'p!' : 'n');
      const entry = entries.parse(Buffer.from(vector.entry, 'hex'), queue);
      same(vector.name, [entry.kind | entry.flags, entry.deadline, entry.label],
        [vector.kind, vector.deadline, vector.label]);
      if ('version' in vector) {
        same(vector.name, [Number(entry.base), Number(entry.version), entry.changes],
          [vector.base, vector.version, vector.changes]);
      }
      if ('json' in vector) same(vector.name, box(unpack(entry.body)), JSON.parse(vector.json));
      else same(vector.name, Object.values(entries.parseReference(entry.body)),
        [vector.identifier, vector.size, vector.pieces]);
    }
    const read = ({entry: data, queue = 'p!'}) => {
      const entry = entries.parse(Buffer.from(data, 'hex'), queue);
      if (entry.flags & entries.ENCRYPTED) throw new Malformed('encrypted');
      return entry.flags & entries.IN_PIECES ? entries.parseReference(entry.body, entry.flags & entries.WHOLE) :
        unpack(entry.body);
    };
    for (const vector of transport.malformed_entries) refused(vector.name, () => read(vector));
    for (const vector of transport.unsupported_entries) {
      try {
        wrong.push([vector.name, read(vector)]);
      } catch (error) {
        same(vector.name, error.constructor.name, 'Unsupported');
      }
    }
    for (const {entry, channel, group, json} of vectors('exchanges.json').entries) {
      same(channel || group, box(read({entry, queue: group ? 'p!' : entries.split(channel)[0]})), JSON.parse(json));
    }
    for (const vector of transport.encrypted_entries.filter(({unbound}) => !unbound)) {
      const bound = new Layer({servers: ['redis://127.0.0.1:1'], ...vector}), pieces = [...(vector.pieces || [])];
      const counted = [], shard = {
        number: vector.shard, now: () => vector.now, key: () => 'key', count: (counter) => counted.push(counter),
        ask: async ([command]) => (['HGET', 'GETDEL'].includes(command) && pieces.length ? Buffer.from(pieces.shift(), 'hex') : null),
      };
      const delivery = await bound.arrived(shard, vector.queue, Buffer.from(vector.entry, 'hex'));
      const found = delivery ? {channels: delivery[0], message: box(delivery[1])} : {counted: counted[0]};
      const {counted: expected, channels, json} = vector;
      same(vector.name, found, expected ? {counted: expected} : {channels, message: JSON.parse(json)});
    }
    const {secret, prefix, key_name: name, body, encrypted_body: sealed, ...piece} = transport.encryption;
    const cipher = new entries.Cipher([secret], prefix), hex = (text) => Buffer.from(text, 'hex');
    same('key', cipher.keys[0].name.toString('hex'), name);
    same('encryption', cipher.decrypt(hex(sealed)).toString('hex'), body);
    same('piece', cipher.decrypt(hex(piece.encrypted_piece), `${piece.identifier}/${piece.index}`).toString('hex'),
      piece.piece);
    return wrong;
  },
};

readline.createInterface({input: process.stdin}).on('line', async (line) => {
  const {do: name, id, ...options} = JSON.parse(line);
  let answer;
  try {
    answer = {id, ok: (await commands[name](options)) ?? null};
  } catch (error) {
    answer = {id, error: error.constructor.name, text: error.message};
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}).on('close', () => process.exit(0));
