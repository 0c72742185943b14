"""
Async consumers, views and streams: what only Django 3.1 and later can run.

All async code of a process runs on one event loop (`loop`), in a thread of its
own beside those of the worker, which hand over what turns out to be async
(`tasks`). Python 2 can't read these modules, and a patched Django 1.10 hasn't
got them; the others import them where there is async code to run only.
"""
