"""
What runs a server: sockets, processes, logs, metrics.
"""
