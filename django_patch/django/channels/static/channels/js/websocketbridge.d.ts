/* Types of websocketbridge.js: of the global `channels`, or of its import. */

export as namespace channels;

/** What JSON.stringify() takes. */
export type Message = unknown;

/** Called with what the server sends, and the name of its stream or null. */
export type Listener = (action: any, stream: string | null) => void;

export interface Options {
  /** Milliseconds before the first new try; 500. */
  minReconnectionDelay?: number;
  /** Milliseconds that a pause grows to at most; 30000. */
  maxReconnectionDelay?: number;
  /** What each pause is multiplied by; 1.5. */
  reconnectionDelayGrowFactor?: number;
  /** Milliseconds after which a handshake counts as failed; 10000. */
  connectionTimeout?: number;
  /** How many messages wait for a connection; 1000. The oldest is "unsent". */
  maxQueue?: number;
  /** Close codes after which there is no new try; 1000, 1003 and 1008. */
  finalCodes?: number[] | null;
  /** The class to use in the place of WebSocket. Every object has a `constructor`, hence this type. */
  constructor?: Function | null;
}

/** The event "unsent". */
export interface UnsentEvent {
  readonly type: 'unsent';
  /** What was given to send(), hasn't left the browser, and won't by itself; the oldest first. */
  readonly messages: string[];
}

export interface ReconnectingSocketEventMap {
  open: Event;
  message: MessageEvent;
  error: Event;
  /** Of one connection; others follow, unless its code is a final one. */
  close: CloseEvent;
  unsent: UnsentEvent;
}

/** A WebSocket that opens again after it was lost. */
export interface ReconnectingSocket {
  readonly url: string | (() => string);
  readonly readyState: number;
  /** What waits for a connection, the oldest first. */
  readonly waiting: string[];
  onopen?: ((event: Event) => void) | null;
  onmessage?: ((event: MessageEvent) => void) | null;
  onerror?: ((event: Event) => void) | null;
  onclose?: ((event: CloseEvent) => void) | null;
  onunsent?: ((event: UnsentEvent) => void) | null;
  /** Give it to the browser and return true; without a connection, keep it and return false. */
  send(data: string): boolean;
  /** Try now instead of after the pause; happens by itself when the browser is online again. */
  retry(): void;
  /** Close it for good, with code 1000 if none is given. */
  close(code?: number, reason?: string): void;
  addEventListener<K extends keyof ReconnectingSocketEventMap>(
    type: K, listener: (event: ReconnectingSocketEventMap[K]) => void): void;
  removeEventListener<K extends keyof ReconnectingSocketEventMap>(
    type: K, listener: (event: ReconnectingSocketEventMap[K]) => void): void;
}

/** JSON over a WebSocket that reconnects, with several streams over one socket. */
export class WebSocketBridge {
  constructor(options?: Options);
  /** null before connect(). */
  readonly socket: ReconnectingSocket | null;
  readonly options: Options;
  /** Connect to a URL, relative to the page; a function returns one for each connection. */
  connect(url?: string | (() => string), protocols?: string | string[] | null, options?: Options): void;
  /** Have `callback` called with what no stream has a callback for. */
  listen(callback: Listener | null): void;
  /** Have `callback` called with what comes on one stream. */
  demultiplex(stream: string, callback: Listener): void;
  /** Send as JSON, now (true) or once there is a connection (false). Throws before connect(). */
  send(message: Message): boolean;
  /** What speaks on one stream. */
  stream(name: string): {send(payload: Message): boolean};
}
