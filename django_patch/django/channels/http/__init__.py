"""
HTTP as messages: requests come in as them, responses go out as them.

`meta` translates between messages and CGI keys, `body` reads what comes in
pieces, `request` and `response` are Django's two objects over messages, and
`handler` runs Django's middleware and views between them.
"""
