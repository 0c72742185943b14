"""
The protocols that clients speak: HTTP/1.1 (`h1`), HTTP/2 (`h2`) and WebSocket
(`ws`) over both, with their limits, and the connections that carry them.
"""
