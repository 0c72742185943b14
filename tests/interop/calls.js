'use strict';
/*
 * The vectors of the scripts, carried out on a real Redis: state before, call,
 * answer, state after. The transport standard says how they are written.
 */
const Redis = require('ioredis');
const {call, load, vectors} = require('./connection');

//: How far (ms) a time of the server's may be from what a vector says.
const TOLERANCE = 20000;

/** Are these parts of one value, not several values? */
function isBytes(value) {
  return value.length > 0 && value.every((part) => typeof part === 'object' && ('hex' in part || 'ms' in part));
}

class Moment {
  constructor([seconds, microseconds]) {
    this.ms = Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
    this.versions = new Map();
  }

  /** Return the bytes that a vector's value stands for. */
  write(value) {
    if (!Array.isArray(value)) return Buffer.from(typeof value === 'object' ? String(this.ms + value.ms) : value);
    return Buffer.concat(value.map((part) => this.part(part)));
  }

  part(part) {
    if (typeof part === 'string') return Buffer.from(part);
    if ('hex' in part) return Buffer.from(part.hex, 'hex');
    const data = Buffer.alloc(8);
    data.writeBigUInt64BE(BigInt(this.ms + part.ms));
    return data;
  }

  isNear(number, ms = 0) {
    return Math.abs(number - this.ms - ms) <= TOLERANCE;
  }

  /** Say whether what Redis has is what a vector says. */
  matches(found, value) {
    if (Array.isArray(value)) return this.partsMatch(found, value);
    if (value === null || typeof value !== 'object') return String(found) === String(value);
    if ('any' in value) return (typeof found === 'number') === (value.any === 'number');
    return this.isNear(Number(found), value.ms);
  }

  partsMatch(found, parts) {
    for (const part of parts) {
      if (typeof part === 'string' || 'hex' in part) {
        const expected = this.part(part);
        if (!found.subarray(0, expected.length).equals(expected)) return false;
        found = found.subarray(expected.length);
        continue;
      }
      const number = found.readBigUInt64BE();
      if ('us' in part) {
        if (!this.versions.has(part.us)) this.versions.set(part.us, number);
        if (!this.isNear(Number(number) / 1000) || this.versions.get(part.us) !== number) return false;
      } else if (!this.isNear(Number(number), part.ms)) {
        return false;
      }
      found = found.subarray(8);
    }
    return found.length === 0;
  }

  answers(found, value) {
    if (!Array.isArray(value) || isBytes(value)) return this.matches(found, value);
    return Array.isArray(found) && found.length === value.length &&
      value.every((item, index) => this.answers(found[index], item));
  }
}

async function put(redis, moment, state) {
  for (const [key, {string, list = [], hash = {}, zset = {}, set = []}] of Object.entries(state)) {
    if (string !== undefined) await redis.set(key, moment.write(string));
    for (const member of set) await redis.sadd(key, member);
    for (const value of list) await redis.rpush(key, moment.write(value));
    for (const [field, value] of Object.entries(hash)) await redis.hset(key, field, moment.write(value));
    for (const [member, score] of Object.entries(zset)) await redis.zadd(key, moment.write(score), member);
  }
}

/** Return [found, value] for all that a key should have. */
async function pairs(redis, key, {list, hash, zset, set, fields: number}) {
  if (number) {
    return [[String(await redis.hlen(key)), String(number)]];
  }
  if (set) {
    return [[(await redis.smembers(key)).sort().join(' '), set.slice().sort().join(' ')]];
  }
  if (list) {
    const found = await redis.lrangeBuffer(key, 0, -1);
    return found.length === list.length ? list.map((value, index) => [found[index], value]) : [[found, 'another length']];
  }
  const found = hash ? await redis.hgetallBuffer(key) : {};
  if (zset) {
    const flat = await redis.zrange(key, 0, -1, 'WITHSCORES');
    for (let index = 0; index < flat.length; index += 2) found[flat[index]] = flat[index + 1];
  }
  const fields = new Set([...Object.keys(found), ...Object.keys(hash || zset)]);
  return [...fields].map((field) => [found[field] ?? 'nothing', (hash || zset)[field] ?? 'absence']);
}

/** Carry out all vectors on an empty server; return those that went wrong. */
async function carryOut(url) {
  const redis = new Redis(url), wrong = [];
  for (const text of load) await redis.call('SCRIPT', 'LOAD', text);
  for (const vector of vectors('scripts.json').calls) {
    await redis.flushall();
    const moment = new Moment(await redis.time());
    await put(redis, moment, vector.before);
    const [command, ...args] = call(vector.script, vector.keys, vector.argv.map((value) => moment.write(value)));
    const answer = await redis.callBuffer(command, ...args);
    if (!moment.answers(answer, vector.answer)) wrong.push([vector.name, String(answer)]);
    const keys = await redis.keys('*');
    if (keys.sort().join(' ') !== Object.keys(vector.after).sort().join(' ')) wrong.push([vector.name, keys]);
    for (const [key, content] of Object.entries(vector.after)) {
      for (const [found, value] of await pairs(redis, key, content)) {
        if (!moment.matches(found, value)) wrong.push([vector.name, key, String(found), value]);
      }
    }
    for (const [key, ms] of Object.entries(vector.expires)) {
      if (Math.abs(await redis.pttl(key) - ms) > TOLERANCE) wrong.push([vector.name, key, 'expires at another time']);
    }
  }
  redis.disconnect();
  return wrong;
}

module.exports = {carryOut};
