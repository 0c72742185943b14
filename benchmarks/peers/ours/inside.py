"""
Server and worker threads in one process: what runserver does, but for what it prints.

    python inside.py PORT
"""
import sys
import threading

import django
from django.channels.layers import channel_layers
from django.channels.management.runserver import WORKER_THREADS
from django.channels.worker import Worker

from interface_server import embedded

if __name__ == '__main__':
    django.setup()
    layer = channel_layers['default']
    worker = Worker(layer, signal_handlers=False, threads=WORKER_THREADS)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        embedded.run(layer, '127.0.0.1', int(sys.argv[1]))
    finally:
        worker.stop()
        thread.join()
