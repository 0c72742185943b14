'use strict';
/* What workers say on reply channels, checked: messages.txt, 5.3 and 6.4. */
const http = require('node:http');
const {Malformed} = require('./encoding');

const OF_THE_CONNECTION = [
  'connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade',
];

const UTF8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

function refuse(reason) {
  throw new Malformed(reason);
}

function isBytes(value) {
  return value instanceof Uint8Array;
}

/** Return pairs of byte strings as [name, value] of text; throw Malformed. */
function checkHeaders(pairs = []) {
  if (!Array.isArray(pairs)) refuse('headers are a list');
  const headers = pairs.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every(isBytes)) refuse('a header is two byte strings');
    const [name, value] = pair.map((part) => Buffer.from(part).toString('latin1'));
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch (error) {
      refuse(error.message);
    }
    return [name, value];
  });
  const dropped = new Set(OF_THE_CONNECTION);
  for (const [name, value] of headers) {
    if (name.toLowerCase() === 'connection') value.split(',').forEach((token) => dropped.add(token.trim().toLowerCase()));
  }
  return headers.filter(([name]) => !dropped.has(name.toLowerCase()));
}

function checkContent({content = null}) {
  if (content !== null && !isBytes(content)) refuse('content is a byte string');
  return content || Buffer.alloc(0);
}

function checkStatus(status, lowest) {
  if (!Number.isInteger(status) || status < lowest || status > 599) refuse('no status');
  return status;
}

/** The response to one request, put together from messages. */
class Reply {
  constructor(method) {
    this.bodiless = method === 'HEAD';
    this.due = null;
    this.started = false;
    this.complete = false;
  }

  /** Return {status, headers, content}, the first two once; throw Malformed. */
  feed(message) {
    const part = this.started ? {} : this.head(message);
    if (this.started && 'status' in message) refuse('a second response');
    if (this.started && message.closed) refuse('the worker broke it off');
    part.content = checkContent(message);
    if (!this.started && this.due === null && !message.more_content && !this.bodiless) {
      this.due = part.content.length;
      part.headers.push(['content-length', String(this.due)]);
    }
    this.started = true;
    let isCut = false;
    if (this.bodiless) {
      part.content = Buffer.alloc(0);
    } else if (this.due !== null) {
      isCut = part.content.length > this.due;
      if (isCut) part.content = part.content.subarray(0, this.due);
      this.due -= part.content.length;
      if (this.due && !message.more_content) refuse('content shorter than its Content-Length');
    }
    this.complete = isCut || !message.more_content;
    return part;
  }

  head(message) {
    const status = checkStatus(message.status, 200);
    let headers = checkHeaders(message.headers);
    const lengths = new Set(headers.filter(([name]) => name.toLowerCase() === 'content-length').map(([, value]) => value));
    if (lengths.size > 1 || [...lengths].some((value) => !/^\d+$/.test(value))) refuse('a Content-Length that is none');
    const isEmpty = status === 204 || status === 304;
    headers = headers.filter(([name]) => name.toLowerCase() !== 'content-length');
    for (const value of isEmpty ? [] : lengths) {
      headers.push(['content-length', value]);
      this.due = Number(value);
    }
    this.bodiless = this.bodiless || isEmpty;
    return {status, headers};
  }
}

/** Return text that may have been sent as a byte string, by Python 2. */
function textOf(value, reason) {
  if (isBytes(value)) {
    try {
      return UTF8.decode(value);
    } catch (error) {
      refuse(reason);
    }
  }
  if (value !== null && typeof value !== 'string') refuse(reason);
  return value;
}

function isCode(code) {
  return Number.isInteger(code) &&
    ((code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)));
}

/** Return a reply to a socket with all its keys; throw Malformed. */
function checkSocketReply(message) {
  const {accept = null, bytes = null, close = false} = message;
  const text = textOf(message.text ?? null, 'text is text');
  const reason = textOf(message.reason ?? '', 'a reason that is none');
  const subprotocol = textOf(message.subprotocol ?? null, 'a subprotocol that is none');
  if (accept !== null && typeof accept !== 'boolean') refuse('accept is a boolean');
  if (bytes !== null && !isBytes(bytes)) refuse('bytes are a byte string');
  if (typeof close !== 'boolean' && !isCode(close)) refuse('a code that is none');
  if (Buffer.byteLength(reason) > 123) refuse('a reason that is none');
  if (text && bytes && bytes.length) refuse('both kinds of data');
  const alone = accept === null && !close;
  const status = 'status' in message ? checkStatus(message.status, 300) : 403;
  return {
    accept, close, reason, subprotocol, status, headers: checkHeaders(message.headers), content: checkContent(message),
    // Empty data is a message only where it stands alone.
    text: text || (alone && !(bytes && bytes.length) ? text : null),
    bytes: bytes && (bytes.length || (alone && !text)) ? bytes : null,
    hasData: Boolean(text || (bytes && bytes.length)),
  };
}

module.exports = {Malformed, Reply, checkSocketReply};
