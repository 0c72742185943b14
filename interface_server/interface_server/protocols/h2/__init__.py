"""
HTTP/2 (RFC 9113), and WebSockets inside it (RFC 8441).
"""
