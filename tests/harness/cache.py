"""The cache folder: where things lie, and locks so that several runs can share it."""
import contextlib
import hashlib
import itertools
import os
import pathlib
import shutil
import time

try:
    import fcntl
except ImportError:  # Windows: one run at a time is the user's affair.
    fcntl = None  # type: ignore[assignment]

#: How many runs keep their logs.
KEPT_RUNS = 10


class Cache:
    """Paths below one folder. `logs`, which prepare() makes, is new in each run; the rest is reused."""

    logs: pathlib.Path

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.environments = self.root / 'envs'
        self.sdists = self.root / 'sdists'
        self.sources = self.root / 'sources'
        self.wheels = self.root / 'wheels'
        self.scratch = self.root / 'scratch'
        self.locks = self.root / 'locks'
        self.runs = self.root / 'logs'

    def prepare(self):
        """Create the folders, and forget the logs of old runs."""
        for folder in (self.environments, self.sdists, self.sources, self.wheels, self.scratch, self.locks, self.runs):
            folder.mkdir(parents=True, exist_ok=True)
        self.logs = self._new_logs()
        for old in sorted(self.runs.iterdir())[:-KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)

    def _new_logs(self):
        """
        Make a folder for the logs of this run, and return it. Two runs in
        containers that share the cache may begin in the same second, each with
        the same process id.
        """
        name = '%s-%d' % (time.strftime('%Y%m%d-%H%M%S'), os.getpid())
        for number in itertools.count(1):
            folder = self.runs / (name if number == 1 else '%s-%d' % (name, number))
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder

    def clean(self):
        """Remove everything that a run can make again."""
        if self.root.is_dir():
            for folder in (self.environments, self.sdists, self.sources, self.wheels, self.scratch,
                           self.locks, self.runs, self.root / 'tool', self.root / 'node'):
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self, name, waiting=None):
        """
        Hold the lock called name, against other threads and other runs.
        waiting, a function without arguments, is called when it is taken.
        """
        with open(self.locks / (name + '.lock'), 'w') as handle:
            if fcntl is not None:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if waiting is not None:
                        waiting()
                    fcntl.flock(handle, fcntl.LOCK_EX)
            # Closing the file gives the lock back.
            yield


def digest(*parts):
    """Return a short hash of the texts and the contents of the paths given."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, pathlib.Path) else str(part).encode('utf-8'))
        total.update(b'\0')
    return total.hexdigest()[:16]
