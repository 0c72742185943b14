"""
Operation of a server: sockets, processes, logs, metrics.
"""
