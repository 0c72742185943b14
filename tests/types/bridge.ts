/* What the types of the JavaScript client allow, and what they don't. Never run. */
import {Listener, WebSocketBridge} from 'websocketbridge';

const bridge = new WebSocketBridge({maxQueue: 5, constructor: WebSocket});
bridge.connect();
bridge.connect('/live/', ['chat']);
bridge.connect(() => '/live/?after=1', null, {finalCodes: [3000], minReconnectionDelay: 100});
const listener: Listener = (action, stream) => { console.log(action.text, stream); };
bridge.listen(listener);
bridge.demultiplex('news', (action) => action.title);
const now: boolean = bridge.send({text: 'hello'}) && bridge.stream('news').send([1, 2]);
bridge.socket!.addEventListener('unsent', (event) => event.messages.map((text) => text.length));
bridge.socket!.onclose = (event) => event.code;
bridge.socket!.close(3000, 'over');
channels.WebSocketBridge.prototype.send({});

// @ts-expect-error: null before connect().
bridge.socket.close();
// @ts-expect-error: no such event.
bridge.socket!.addEventListener('lost', () => {});
// @ts-expect-error: no URL.
bridge.connect(5);
// @ts-expect-error: no such option.
new WebSocketBridge({maxQueu: 5});
// @ts-expect-error: to be read only.
bridge.socket!.waiting = [];
