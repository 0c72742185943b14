"""
What a Redis server has done, by its own account (INFO).
"""
import dataclasses
import socket


@dataclasses.dataclass(frozen=True)
class RedisWork:
    """CPU seconds, commands (those inside scripts, too), reads of sockets, bytes in and out, and bytes of data."""
    cpu: float
    commands: int
    reads: int
    traffic: int
    memory: int

    def __sub__(self, earlier):
        return RedisWork(*(
            getattr(self, field.name) - getattr(earlier, field.name) for field in dataclasses.fields(self)
        ))


def read_info(port):
    """Return INFO of the server on that port of 127.0.0.1 as {name: text}."""
    with socket.create_connection(('127.0.0.1', port), timeout=60) as connection, connection.makefile('rb') as file:
        connection.sendall(b'INFO\r\n')
        size = file.readline()
        if not size.startswith(b'$'):
            raise ValueError('Redis answered %r to INFO.' % size)
        text = file.read(int(size[1:])).decode('utf-8', 'replace')
    return dict(line.split(':', 1) for line in text.splitlines() if ':' in line)


def redis_work(port):
    """Return the RedisWork of the server on that port so far."""
    info = read_info(port)
    return RedisWork(
        float(info['used_cpu_user']) + float(info['used_cpu_sys']), int(info['total_commands_processed']),
        # Redis 7 counts them.
        int(info.get('total_reads_processed', 0)),
        int(info['total_net_input_bytes']) + int(info['total_net_output_bytes']), int(info['used_memory']),
    )
