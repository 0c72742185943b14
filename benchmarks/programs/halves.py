"""
One half of a request's or a frame's way: an interface server, or a worker.

    python halves.py URL CHECKOUT server PORT
    python halves.py URL CHECKOUT worker

It prints "ready", and ends with its standard input; instructions.py counts
what it executes meanwhile. PYTHONPATH is as journeys.py wants it.
"""
import os
import signal
import sys
import threading

import journeys


def serve(layer, port):
    from interface_server import embedded
    threading.Thread(target=lambda: (sys.stdin.read(), os.kill(os.getpid(), signal.SIGTERM)), daemon=True).start()
    embedded.run(layer.channel_layer, '127.0.0.1', port, ready=lambda: print('ready', flush=True))


def work(layer):
    from django.channels.worker import Worker
    worker = Worker(layer, signal_handlers=False)
    threading.Thread(target=lambda: (sys.stdin.read(), worker.stop()), daemon=True).start()
    print('ready', flush=True)
    worker.run()


def main():
    url, checkout, half = sys.argv[1:4]
    journeys.set_up(url, checkout)
    from django.channels import channel_layers
    layer = channel_layers['default']
    journeys.announce_worker(layer.channel_layer)
    if half == 'server':
        serve(layer, int(sys.argv[4]))
    else:
        work(layer)


if __name__ == '__main__':
    main()
