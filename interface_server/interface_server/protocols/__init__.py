"""
The protocols as they are spoken over uvicorn, the default server.

uvicorn parses HTTP/1.1 and writes responses; what it can't do is added here:
limits, HTTP/2, and WebSockets that cost little and share encoded frames.
"""
