"""
The processes of a worker: supervised, watched, replaced.

`supervisor` keeps worker processes running, and `reloading` replaces them by
ones with new code. Each has a `watcher`, a small process which answers those
who wait for it when it dies, and ends soon once its work is done, by
`leaving`. `service_manager` tells systemd.
"""
