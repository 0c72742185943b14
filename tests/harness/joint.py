"""Rows of the table that need the environments of several pairs."""
import contextlib
import json

from .pairs import JOINT, all_pairs
from .steps import PairRun, driver


class JointRun(PairRun):
    """The system tests of one row of JOINT."""

    def __init__(self, bench, name):
        self.module, self.pairs = JOINT[name]
        super().__init__(bench, self.pairs[0])
        self.name = name
        self.logs = bench.cache.logs / name

    @classmethod
    def is_wanted(cls, name, chosen, labels, options):
        """Return whether the row is part of a run with the pairs chosen (as far as they are in its table)."""
        module, pairs = JOINT[name]
        known = all_pairs()
        return bool(labels.system_module(module)) and (options.long or all(pair in known for pair in pairs)) and all(
            pair in chosen for pair in pairs if pair in known
        )

    def run(self):
        """Run the tests with the environments of the pairs."""
        with contextlib.ExitStack() as held:
            # Always in the same order: two rows may want the same pairs.
            for pair in sorted(self.pairs):
                held.enter_context(self.bench.cache.lock(str(pair)))
            return self.timed('system', self.joint)

    def joint(self, log):
        """The step itself: a JSON object in an environment variable names each pair's Python."""
        pythons = {}
        for pair in self.pairs:
            run = PairRun(self.bench, pair)
            run.prepare(log)
            pythons[str(pair)] = str(run.environment.python)
        return self.pytest(
            self.bench.labels.system_module(self.module), log, driver(self.bench, log).python,
            CHANNELS_SYSTEM_PYTHONS=json.dumps(pythons),
        )
