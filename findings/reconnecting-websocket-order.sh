#!/usr/bin/env bash
# reconnecting-websocket 4.4.0 and partysocket 1.3.0 keep what a page sends while it is
# away, and send it before they tell the page of the new connection: so a page that
# says who it is in onopen, does so after what was typed meanwhile. A server that wants
# that first refuses those messages, which nobody sends again. And they come back
# whatever the server closes with: 1000, 1008 and 4403, too.
#
# Guessed: what onopen sends goes first; they don't come back after 1000 and 1008.
#
# Seen (what the second connection brings; new connections after a close):
#   reconnecting-websocket   typed, token; 1000: 1, 1008: 1, 4403: 1
#   partysocket              typed, token; 1000: 1, 1008: 1, 4403: 1
. "$(dirname "$0")/lib.sh"

npm_packages reconnecting-websocket@4.4.0 partysocket@1.3.0 ws@8.23.0
cat >"$folder/node/client.mjs" <<'END'
import { WebSocket, WebSocketServer } from 'ws';
import { WebSocket as partysocket } from 'partysocket';
import reconnecting from 'reconnecting-websocket';
const Client = { 'reconnecting-websocket': reconnecting.default || reconnecting, partysocket };
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
await new Promise(done => server.on('listening', done));
const received = [];
server.on('connection', socket => {
    const messages = [];
    received.push(messages);
    socket.on('message', message => messages.push(String(message)));
});
const eventually = async condition => {
    for (let tries = 0; tries < 100 && !condition(); tries++) {
        await new Promise(done => setTimeout(done, 50));
    }
};
const socket = new Client[process.argv[2]]('ws://127.0.0.1:' + server.address().port, [], {
    WebSocket, minReconnectionDelay: 300, maxReconnectionDelay: 300,
});
socket.onopen = () => socket.send('token');
socket.onclose = event => event.code === 1012 && socket.send('typed');
await eventually(() => received.length && received[0].length);
[...server.clients][0].close(1012);
await eventually(() => received.length === 2 && received[1].length === 2);
const after = [];
for (const code of [1000, 1008, 4403]) {
    const before = received.length;
    [...server.clients].at(-1).close(code);
    await eventually(() => received.length > before && received.at(-1).length);
    after.push(`${code}: ${received.length - before}`);
}
console.log(`${received[1].join(', ')}; ${after.join(', ')}`);
process.exit();
END
for name in reconnecting-websocket partysocket; do
    compare "$name" "token, typed; 1000: 0, 1008: 0, 4403: 1" "typed, token; 1000: 1, 1008: 1, 4403: 1" \
        "$(node "$folder/node/client.mjs" "$name")"
done
verdict
