"""
Test a worker or a server, in any language, over Redis, by the standards.

    python tests/conformance worker --redis redis://127.0.0.1:6379/0
    python tests/conformance jobs --redis redis://127.0.0.1:6379/0
    python tests/conformance server --redis redis://127.0.0.1:6379/0 \
        --address 127.0.0.1:8000

It needs Python 3.9, Django, django.channels, redis and msgpack. Nobody else
may use the prefix (--prefix), but the one that is tested, which is started
before. Give --redis several times for several shards, in their order, and
--secret for a program under test that encrypts. Each
line of the table has the section that it is about; the exit code is 1 if one
failed.

A worker under test answers

* requests for /mirror with status 200 and the request's body as content,
  whatever the method, and for /mirror/stream with the same in chunks;
* handshakes for /echo/ by accepting them, and each message of such a socket
  by sending it back.

A worker whose acknowledged channels are under test (jobs) reads the channel
conformance.jobs, with the options "100 0 3 10". A message with the key fail,
true, it gives up for another try at once. For any other it sends {"n": ...}
with the message's own n to the channel under the key to, and acknowledges it.

A server under test gets its answers from this program.
"""
import argparse
import sys

import django
from django.conf import settings


def main():
    parser = argparse.ArgumentParser(prog='conformance', description='Test a worker or a server by the standards.')
    parser.add_argument('role', choices=['worker', 'jobs', 'server'])
    parser.add_argument('--redis', action='append', required=True, metavar='URL', help='a shard; may be given again')
    parser.add_argument('--prefix', default='channels:')
    parser.add_argument('--secret', action='append', default=[], help='encrypt with it; may be given again')
    parser.add_argument('--address', metavar='HOST:PORT', help='where the server listens')
    options = parser.parse_args()
    settings.configure()
    django.setup()
    # These import what can't be imported before.
    if options.role == 'worker':
        from worker import Peer, rows
    elif options.role == 'jobs':
        from jobs import Peer, rows
    else:
        if not options.address:
            parser.error('A server needs --address.')
        from server import Peer, rows
    import table
    sys.exit(table.run(rows, lambda: Peer(options)))


if __name__ == '__main__':
    main()
