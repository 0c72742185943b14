#!/usr/bin/env bash
# prometheus_client 0.26.0: with PROMETHEUS_MULTIPROC_DIR, which several worker processes
# need, a gauge with set_function() is reported as 0, whatever the function returns: it
# isn't even called. Nothing is raised or logged. A queue's length or the age of its oldest
# job that was watched in one process is fine for ever after, to its alert, once the
# server runs with workers.
#
# Guessed: the function is called at a scrape, or set_function() raises.
#
# Seen (a function that returns 42; its value, and how often it was called):
#   one process             42, 1
#   multiprocess mode        0, 0
. "$(dirname "$0")/lib.sh"

pypi prometheus_client==0.26.0
cd "$folder"
cat >scrape.py <<'END'
import os

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

calls = []
registry = CollectorRegistry()
gauge = Gauge('queue_length', 'Jobs that wait.', registry=registry)
gauge.set_function(lambda: calls.append(1) or 42)
if 'PROMETHEUS_MULTIPROC_DIR' in os.environ:
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
# Registering may call it, too.
calls.clear()
value, = (line.split()[-1] for line in generate_latest(registry).decode().splitlines() if line[0] != '#')
print('%g, %d' % (float(value), len(calls)))
END
compare "one process" "42, 1" "42, 1" "$("$python" scrape.py)"
mkdir metrics
compare "multiprocess mode" "42, 1" "0, 0" "$(PROMETHEUS_MULTIPROC_DIR=$folder/metrics "$python" scrape.py)"
verdict
