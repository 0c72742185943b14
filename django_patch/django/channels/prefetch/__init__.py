"""
Prefetching: several messages taken at once, and their sends made at once.

While messages wait in line, each that is received alone costs a round trip
more than it needs, and so does each reply. So a worker takes several, as many
as it handles within a few milliseconds (`sizer`), and what their consumers
send goes out together (`coalescer`). Nobody is held up by that: once a
consumer turns out to be slow, `watchdog` has the messages behind it (`batch`)
returned to the head of their channels, for other workers, and the sends of
the consumers before it made. `runner` puts the four together.
"""
