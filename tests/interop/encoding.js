'use strict';
/*
 * Messages as msgpack and as JSON, as docs/standards/ has them. Byte strings
 * are Uint8Array here. JavaScript has one type for numbers: a whole float
 * can't be told from an integer, and the standard lets it be sent as one.
 */
const {decode, encode} = require('@msgpack/msgpack');

const MARK = '\uffff';
const MAX_DEPTH = 100;

class Malformed extends Error {}

function refuse(reason) {
  throw new Malformed(reason);
}

const OPTIONS = {
  maxDepth: MAX_DEPTH + 1,
  useBigInt64: true,
  extensionCodec: {tryToEncode: () => null, decode: () => refuse('an extension type')},
  mapKeyConverter: (key) => (typeof key === 'string' ? key : refuse('a key that is no text')),
};

function isMap(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

/** Refuse what msgpack and JSON have and messages don't. */
function check(value, depth) {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) refuse('an integer beyond 64 bits');
  if (typeof value === 'number' && !Number.isFinite(value)) refuse('a number that is none');
  if (typeof value === 'string' && /\p{Surrogate}/u.test(value)) refuse('half of a surrogate pair');
  if (Array.isArray(value) || isMap(value)) {
    if (depth > MAX_DEPTH) refuse('nested too deep');
    for (const [key, item] of Object.entries(value)) {
      check(key, depth);
      check(item, depth + 1);
    }
  }
}

/** Return the bytes of a message. */
function pack(message) {
  return Buffer.from(encode(message, OPTIONS));
}

/** Return the message of bytes; throw Malformed. */
function unpack(data) {
  let message;
  try {
    message = decode(data, OPTIONS);
  } catch (error) {
    throw new Malformed(error.message);
  }
  if (!isMap(message)) refuse('no dictionary');
  check(message, 0);
  return message;
}

/** Return a message as something that JSON has. */
function box(value) {
  if (value instanceof Uint8Array) return MARK + 'b' + Buffer.from(value).toString('base64');
  if (typeof value === 'string') return value.startsWith(MARK) ? MARK + 't' + value : value;
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(box);
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [box(key), box(item)]));
  return value;
}

/** Undo box(); throw Malformed. */
function unbox(value) {
  if (typeof value === 'string' && value.startsWith(MARK)) {
    const rest = value.slice(2);
    if (value[1] === 't') return rest;
    const bytes = value[1] === 'b' ? Buffer.from(rest, 'base64') : refuse('a mark of unknown kind');
    return bytes.toString('base64') === rest ? new Uint8Array(bytes) : refuse('not Base64');
  }
  if (Array.isArray(value)) return value.map(unbox);
  if (isMap(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => {
      const text = unbox(key);
      return [typeof text === 'string' ? text : refuse('a key that is no text'), unbox(item)];
    }));
  }
  return value;
}

module.exports = {Malformed, box, check, pack, unbox, unpack};
