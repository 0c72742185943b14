"""
Do jobs by the fewest commands with which none is lost: BLMOVE, then LREM.

A thread moves the next job to a list of its own when it has deleted the last
one from there, in one write. Nothing gives back what is in the list of a
thread that has died; there are neither retries, nor numbers, nor anything else.
"""
import json
import os
import socket
import sys
import threading
import urllib.parse

import bench_task
import hiredis


class Connection:
    def __init__(self):
        url = urllib.parse.urlsplit(os.environ['BENCH_REDIS'])
        self._socket = socket.create_connection((url.hostname, url.port))
        self._reader = hiredis.Reader()

    def exchange(self, *commands):
        """Write the commands, tuples of text or bytes, and return their replies."""
        self._socket.sendall(b''.join(hiredis.pack_command(command) for command in commands))
        replies = []
        while len(replies) < len(commands):
            reply = self._reader.gets()
            if reply is False:
                self._reader.feed(self._socket.recv(65536))
            else:
                replies.append(reply)
        return replies


def work(number):
    connection, own = Connection(), 'bench-held-%d' % number
    move = ('BLMOVE', 'bench-jobs', own, 'LEFT', 'RIGHT', '0')
    job, = connection.exchange(move)
    while True:
        bench_task.work_job(json.loads(job)['total'])
        done, job = connection.exchange(('LREM', own, '1', job), move)


def main():
    threads = [threading.Thread(target=work, args=(number,)) for number in range(int(sys.argv[1]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == '__main__':
    main()
