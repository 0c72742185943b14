"""
What processes cost, from the operating system: CPU time and memory (Linux).
"""
import os

#: Seconds of one tick of /proc's CPU times.
TICK = 1 / os.sysconf('SC_CLK_TCK')


class Stat:
    """What /proc/PID/stat says of a process that matters here."""
    __slots__ = ('pid', 'parent', 'session', 'seconds')

    def __init__(self, text):
        # The name in parentheses may hold anything, parentheses too.
        head, _, tail = text.rpartition(')')
        fields = tail.split()
        self.pid = int(head.split(' ', 1)[0])
        self.parent = int(fields[1])
        self.session = int(fields[3])
        # utime, stime, and the same of children that ended and were waited for.
        self.seconds = sum(int(field) for field in fields[11:15]) * TICK


def snapshot():
    """Return {pid: Stat} of all processes."""
    stats = {}
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open('/proc/%s/stat' % name, encoding='utf-8', errors='replace') as file:
                    stats[int(name)] = Stat(file.read())
            except (FileNotFoundError, ProcessLookupError):
                # It ended meanwhile.
                continue
    return stats


def family(roots, stats):
    """Return the pids of `roots`, all that descend from them, and all in sessions that they lead."""
    found = set()
    wanted = set(roots)
    children = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
        if stat.session in wanted:
            found.add(stat.pid)
    left = [pid for pid in found | wanted if pid in stats]
    found.update(left)
    while left:
        for child in children.get(left.pop(), ()):
            if child not in found:
                found.add(child)
                left.append(child)
    return found


def cpu_seconds(roots, stats=None):
    """Return the CPU seconds (user and system) spent so far by the family of `roots`."""
    stats = snapshot() if stats is None else stats
    return sum(stats[pid].seconds for pid in family(roots, stats))


def scheduled(pids):
    """Return the seconds that threads of `pids` have run so far, and those for which they had to wait for that."""
    ran = waited = 0
    for pid in pids:
        for thread in os.listdir('/proc/%d/task' % pid):
            try:
                with open('/proc/%d/task/%s/schedstat' % (pid, thread), encoding='ascii') as file:
                    one, other, _ = map(int, file.read().split())
            except (FileNotFoundError, ProcessLookupError):
                # The thread ended meanwhile.
                continue
            ran, waited = ran + one, waited + other
    return ran / 1e9, waited / 1e9


def memory(roots):
    """Return the bytes of memory that the family of `roots` has, shared pages in proportion (PSS)."""
    total = 0
    for pid in family(roots, snapshot()):
        try:
            with open('/proc/%d/smaps_rollup' % pid) as file:
                total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith('Pss:'))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
