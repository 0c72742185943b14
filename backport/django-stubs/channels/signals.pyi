from django.dispatch import Signal

consumer_started: Signal
consumer_finished: Signal
worker_ready: Signal
worker_process_ready: Signal
handshake_refused: Signal
