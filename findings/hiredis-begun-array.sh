#!/usr/bin/env bash
# hiredis' Reader.has_data() of 2.4.0 and of 3.5.0 tells whether bytes are left to be
# parsed, not whether a reply has begun. Where a read ends between two elements of
# an array, gets() has nothing yet and has_data() says False, as between replies:
# whoever takes that for "all replies are here" reads the rest of the array as the
# next reply. Inside a string, a number or a line it says True.
#
# Guessed: True until the reply is complete, since what has come of it is kept.
#
# Seen, the same with both:
#   inside a string: False True
#   after the head of an array: False False
#   between two elements: False False
#   inside the second: False True
#   between replies: False False
. "$(dirname "$0")/lib.sh"

cat >"$folder/begun.py" <<'END'
import sys

import hiredis

reader = hiredis.Reader()
reader.feed(bytes.fromhex(sys.argv[1]))
print(reader.gets(), reader.has_data())
END

# begun BYTES, with escapes of printf
begun() {
    # shellcheck disable=SC2059
    "$python" "$folder/begun.py" "$(printf "$1" | od -An -tx1 | tr -d ' \n')"
}

for release in 2.4.0 3.5.0; do
    rm -rf "$folder/venv"
    pypi "hiredis==$release"
    compare "$release, inside a string" "False True" "False True" "$(begun '$5\r\nhel')"
    compare "$release, after the head of an array" "False True" "False False" "$(begun '*2\r\n')"
    compare "$release, between two elements" "False True" "False False" "$(begun '*2\r\n$1\r\na\r\n')"
    compare "$release, inside the second" "False True" "False True" "$(begun '*2\r\n$1\r\na\r\n$3\r\nb')"
    compare "$release, between replies" "False False" "False False" "$(begun '')"
done
verdict
