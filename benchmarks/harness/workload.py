"""What a workload is."""
import dataclasses
from typing import Optional

from .statistics import Goal, Metric


@dataclasses.dataclass(frozen=True)
class Workload:
    """
    One kind of work, and who does it.

    A contender is the name of a peer, or peer/variant where the workload
    knows several ways to have the peer do it; the first is the base of the
    ratios shown, unless `base` names another. `rounds` limits how often it is
    measured, `limit` how many seconds one measurement may take. A row of a
    growth series has `series`, its name, and `x`, where it stands in it.

    Subclasses measure.
    """
    name: str
    title: str
    metrics: tuple[Metric, ...]
    contenders: tuple[str, ...]
    goals: tuple[Goal, ...] = ()
    base: Optional[str] = None
    rounds: Optional[int] = None
    limit: int = 120
    series: Optional[str] = None
    x: Optional[float] = None

    def measure(self, machine, peer, variant):
        """Return {metric's name: number} of one measurement of `peer`; `variant` is '' if none is named."""
        raise NotImplementedError('subclasses of Workload must provide a measure() method')

    def prepare(self, machine, peer):
        """Make what measure() needs of `peer` and takes time; Unavailable if it can't be had."""
        peer.environment(machine)

    def stacks(self):
        """Return the (peer's name, kind) of all Stacks that measure() uses."""
        return set()


def split(contender):
    """Return (peer's name, variant) of a contender."""
    peer, _, variant = contender.partition('/')
    return peer, variant
