"""
The Redis transport without its sockets: docs/standards/transport.txt as code.

`plans.Transport` makes plans (see `operations`): generators that say what to
send to which shard and make sense of the replies. A driver carries them out:
the synchronous one is `layers.redis`; another needs only what `plans` and
`operations` describe.

Importing this package loads none of it: who only looks whether a layer is
configured well needs its `options`, and nothing that speaks.
"""
