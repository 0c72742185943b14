'use strict';
/* The bytes of entries, where they belong, and encryption: no sockets here. */
const crypto = require('node:crypto');
const {Malformed} = require('./encoding');

const MAX_SIZE = 2 ** 30;
const MESSAGE = 1, GROUP = 2, MEMBER = 3;
const IN_PIECES = 16, ENCRYPTED = 32, BOUND = 64, WHOLE = 128;
//: The newest version that is read, and the flags of each.
const NEWEST = 2, FLAGS = [240, IN_PIECES | ENCRYPTED | BOUND, IN_PIECES | ENCRYPTED | BOUND | WHOLE];
//: Milliseconds after its sender's deadline that a bound body is accepted.
const BOUND_GRACE = 10000;

class Unsupported extends Malformed {}
class Expired extends Malformed {}

const CRC_TABLE = Uint32Array.from({length: 256}, (_, number) => {
  for (let bit = 0; bit < 8; bit++) number = number & 1 ? (number >>> 1) ^ 0xedb88320 : number >>> 1;
  return number;
});

function crc32(text) {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** Return which of some shards a queue belongs to. */
function place(queue, shards) {
  let found = 0, number = BigInt(crc32(queue));
  for (let following = 0; following < shards;) {
    found = following;
    number = BigInt.asUintN(64, number * 2862933555777941757n + 1n);
    following = Math.floor((found + 1) * (2 ** 31 / (Number(number >> 33n) + 1)));
  }
  return found;
}

/** Return [queue, client] of a channel's name. */
function split(channel) {
  const end = channel.indexOf('!') + 1;
  return end ? [channel.slice(0, end), channel.slice(end)] : [channel, ''];
}

/** Return the name that a queue's counters go by. */
function countedAs(queue) {
  if (queue.endsWith('!')) {
    const dot = queue.lastIndexOf('.');
    return dot > 0 ? queue.slice(0, dot) + '!' : queue;
  }
  return queue.includes('?') ? queue.slice(0, queue.indexOf('?') + 1) : queue;
}

function header(kind, deadline, label) {
  const head = Buffer.alloc(12);
  head[0] = 1;
  head[1] = kind;
  head.writeBigUInt64BE(BigInt(Math.trunc(deadline)), 2);
  head.writeUInt16BE(label.length, 10);
  return Buffer.concat([head, Buffer.from(label, 'ascii')]);
}

const LABEL = /^[A-Za-z0-9._-]*$/, CHANGES = /^([+-][A-Za-z0-9._-]*( [+-][A-Za-z0-9._-]*)*)?$/;

/** Return the text of some bytes; throw RangeError if it has another form. */
function text(data, start, end, form) {
  const found = data.toString('latin1', start, end);
  if (data.length < end || !form.test(found)) throw new RangeError('a label or changes that are none');
  return found;
}

/** Return what the bytes of an entry on a queue say; throw Malformed. */
function parse(data, queue) {
  try {
    const deadline = Number(data.readBigUInt64BE(2)), kind = data[1] & 15, flags = data[1] & 240;
    if (data[0] > NEWEST || (data[0] && (kind < MESSAGE || kind > MEMBER || (flags & ~FLAGS[data[0]])))) {
      throw new Unsupported('a version, kind or flag that is not known');
    }
    if (data[0] === 0 || (flags & (BOUND | ENCRYPTED)) === BOUND) throw new RangeError('version 0, or bound only');
    if (flags & WHOLE && (kind !== MESSAGE || !(flags & IN_PIECES))) throw new RangeError('a string of no one channel');
    let end = 12 + data.readUInt16BE(10);
    const entry = {kind, flags, deadline, label: text(data, 12, end, LABEL)};
    const isGroup = kind === GROUP, own = queue.endsWith('!');
    if (kind !== MESSAGE ? own !== isGroup || !entry.label || entry.label.length > 99 :
      (!own && entry.label) || queue.length + entry.label.length > 99) throw new RangeError('a label of another queue');
    if (isGroup) {
      entry.base = data.readBigUInt64BE(end);
      entry.version = data.readBigUInt64BE(end + 8);
      const start = end + 20;
      end = start + data.readUInt32BE(end + 16);
      const changes = text(data, start, end, CHANGES);
      entry.changes = changes ? changes.split(' ') : [];
    }
    entry.body = data.subarray(end);
    return entry;
  } catch (error) {
    throw error instanceof Malformed ? error : new Malformed(error.message);
  }
}

/** Return a time as 8 bytes. */
function time(ms) {
  const data = Buffer.alloc(8);
  data.writeBigUInt64BE(BigInt(Math.trunc(ms)));
  return data;
}

/** Return what a piece is bound to, behind the context of its entry. */
function pieceContext(context, {identifier, size, pieces}, index) {
  const numbers = Buffer.alloc(17);
  numbers.writeBigUInt64BE(BigInt(size), 1);
  numbers.writeUInt32BE(pieces, 9);
  numbers.writeUInt32BE(index, 13);
  return Buffer.concat([context, numbers.subarray(0, 1), Buffer.from(identifier), numbers.subarray(1)]);
}

/** Throw if a bound body's sender wanted it to be gone by now. */
function checkEnds(ends, now) {
  if (ends.length !== 8) throw new Malformed('cut short');
  if (Number(ends.readBigUInt64BE()) + BOUND_GRACE <= now) throw new Expired('by its sender');
}

function reference(identifier, size, pieces) {
  const body = Buffer.alloc(28);
  body.write(identifier, 'ascii');
  body.writeBigUInt64BE(BigInt(size), 16);
  body.writeUInt32BE(pieces, 24);
  return body;
}

function parseReference(body, isWhole) {
  const identifier = body.toString('latin1', 0, 16);
  if (body.length !== 28 || !/^[A-Za-z0-9]{16}$/.test(identifier)) throw new Malformed('a reference that is none');
  const size = Number(body.readBigUInt64BE(16));
  if (size > MAX_SIZE) throw new Malformed('a reference to too much');
  const pieces = body.readUInt32BE(24);
  if (isWhole && pieces !== 1) throw new Malformed('a string of several pieces');
  return {identifier, size, pieces};
}

class Cipher {
  constructor(secrets, prefix) {
    const hash = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
    this.prefix = prefix;
    this.keys = secrets.map((secret) => {
      const key = hash(Buffer.from('django.channels transport 1\0'), Buffer.from(secret));
      return {key, name: hash(Buffer.from('name\0'), key).subarray(0, 4)};
    });
  }

  encrypt(body, context) {
    const {key, name} = this.keys[0], nonce = crypto.randomBytes(12);
    const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(this.associated(context));
    return Buffer.concat([name, nonce, cipher.update(body), cipher.final(), cipher.getAuthTag()]);
  }

  associated(context = '') {
    return Buffer.concat([Buffer.from(this.prefix), Buffer.from(context)]);
  }

  /** Return what binds a body to where it belongs, but for the prefix. */
  context(shard, kind, ends, target) {
    // A group's message is encrypted once for all its members on a shard.
    const bound = (kind & 15) === MEMBER ? kind - 1 : kind;
    return Buffer.concat([Buffer.from(`{${shard}}:`), Buffer.from([bound]), ends, Buffer.from(target)]);
  }

  decrypt(body, context) {
    const found = this.keys.find(({name}) => name.equals(body.subarray(0, 4)));
    if (!found || body.length < 32) throw new Malformed('encrypted with an unknown key');
    const decipher = crypto.createDecipheriv('aes-256-gcm', found.key, body.subarray(4, 16));
    decipher.setAAD(this.associated(context)).setAuthTag(body.subarray(-16));
    try {
      return Buffer.concat([decipher.update(body.subarray(16, -16)), decipher.final()]);
    } catch (error) {
      throw new Malformed(error.message);
    }
  }
}

module.exports = {
  BOUND, ENCRYPTED, GROUP, IN_PIECES, MESSAGE, NEWEST, WHOLE, Cipher, Expired, Unsupported, checkEnds, pieceContext, time, countedAs, crc32, header, parse, parseReference, place, reference, split,
};
