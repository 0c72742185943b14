#!/usr/bin/env bash
# msgpackr 2.1.4 writes each integer outside 32 bits as a float: a time in milliseconds
# or an id from a browser is 1795827014459.0 in Python, fails where an int is
# asked for and becomes another key or URL. It writes undefined as an extension
# type (Python: ExtType), while @msgpack/msgpack 3.1.3 writes an int and nil, but turns
# a Set into an empty map, and a 64-bit id that it reads is rounded without an error.
#
# Guessed: integers stay integers, as in each other MessagePack.
#
# Seen (in Python, msgpack 1.2.4):
#   msgpackr: {'ms': 1795827014459.0, 'id': 5000000000.0, 'u': ExtType(code=0, data=b'\x00'), 'set': [1]}
#   @msgpack/msgpack: {'ms': 1795827014459, 'id': 5000000000, 'u': None, 'set': {}}
# and in Node what Python wrote, 1795827014459123457:
#   msgpackr 1795827014459123457, @msgpack/msgpack 1795827014459123500
. "$(dirname "$0")/lib.sh"

npm_packages msgpackr@2.1.4 @msgpack/msgpack@3.1.3
pypi msgpack==1.2.4
cat >"$folder/node/pack.mjs" <<'EOF'
import { pack, unpack } from 'msgpackr';
import { encode, decode } from '@msgpack/msgpack';
import fs from 'fs';
const [name, file, what] = process.argv.slice(2);
if (what === 'read') {
  console.log(String((name === 'msgpackr' ? unpack : decode)(fs.readFileSync(file))));
} else {
  const value = {ms: 1795827014459, id: 5000000000, u: undefined, set: new Set([1])};
  fs.writeFileSync(file, (name === 'msgpackr' ? pack : encode)(value));
}
EOF
from_node() {
    node "$folder/node/pack.mjs" "$1" "$folder/packed" write
    "$python" -c 'import msgpack, sys; print(msgpack.unpackb(open(sys.argv[1], "rb").read()))' "$folder/packed"
}
to_node() {
    "$python" -c 'import msgpack, sys; open(sys.argv[1], "wb").write(msgpack.packb(1795827014459123457))' \
        "$folder/packed"
    node "$folder/node/pack.mjs" "$1" "$folder/packed" read
}
guessed="{'ms': 1795827014459, 'id': 5000000000, 'u': None, 'set': [1]}"
compare "from msgpackr" "$guessed" \
    "{'ms': 1795827014459.0, 'id': 5000000000.0, 'u': ExtType(code=0, data=b'\\x00'), 'set': [1]}" \
    "$(from_node msgpackr)"
compare "from @msgpack/msgpack" "$guessed" "{'ms': 1795827014459, 'id': 5000000000, 'u': None, 'set': {}}" \
    "$(from_node @msgpack/msgpack)"
compare "to msgpackr" 1795827014459123457 1795827014459123457 "$(to_node msgpackr)"
compare "to @msgpack/msgpack" "1795827014459123457, or an error" 1795827014459123500 "$(to_node @msgpack/msgpack)"
verdict
