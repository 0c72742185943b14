"""
An interface server: HTTP and WebSocket in front of a channel layer.

`interface_server.app.application.Application` is the ASGI application; the command
`interface-server` serves it, and `interface_server.embedded.run` serves it
inside another program, such as Django's runserver.
"""
__version__ = "1.0.0"
