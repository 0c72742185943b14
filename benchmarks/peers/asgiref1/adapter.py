"""The in-memory layer of the 1.x family, its capacity raised."""
import time

from asgiref.inmemory import ChannelLayer


class Layer(object):
    def __init__(self, urls, config):
        self.layer = ChannelLayer(capacity=1000000)

    def pass_on(self, message, until):
        passed = 0
        while not until():
            for _ in range(100):
                self.layer.send('bench', message)
                self.layer.receive(['bench'])
            passed += 100
        return passed

    def join(self, group, members):
        for number in range(members):
            self.layer.group_add(group, 'bench.reader!%d' % number)

    def send_and_drop(self, group, message, until):
        sends, seconds = 0, 0.0
        while not until():
            begin = time.time()
            self.layer.send_group(group, message)
            seconds += time.time() - begin
            sends += 1
            members = self.layer._groups.pop(group)
            self.layer.flush()
            self.layer._groups[group] = members
        return sends, seconds
