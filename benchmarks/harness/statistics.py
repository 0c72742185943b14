"""
From the measurements of several rounds to figures: medians, ratios, goals.

Pure: numbers in, numbers and verdicts out.
"""
import dataclasses
import statistics as standard
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Metric:
    """Something that a workload measures; `digits` are shown behind the point."""
    name: str
    unit: str
    digits: int = 0


@dataclasses.dataclass(frozen=True)
class Goal:
    """
    What `of` should reach in `metric`.

    With `base`, `bound` is a ratio to what that contender reached in the same
    run, or with `is_more` how much more it is, else a figure in the metric's
    unit. `sense` is '>=' or '<='.
    """
    metric: str
    sense: str
    bound: float
    base: Optional[str] = None
    of: str = 'ours'
    is_more: bool = False

    def __post_init__(self):
        if self.sense not in ('>=', '<='):
            raise ValueError("A goal's sense is '>=' or '<=', not %r." % self.sense)

    def __str__(self):
        if self.base is None:
            return '%s %s %s %g' % (self.of, self.metric, self.sense, self.bound)
        if self.is_more:
            return '%s %s %s %g more than %s' % (self.of, self.metric, self.sense, self.bound, self.base)
        return '%s %s %s %s of %s' % (self.of, self.metric, self.sense, factor(self.bound), self.base)


@dataclasses.dataclass(frozen=True)
class Figure:
    """Median, smallest and largest of what the rounds gave, and how many gave it."""
    median: float
    minimum: float
    maximum: float
    rounds: int


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a Goal: `value` is the ratio or figure reached, None if it couldn't be told."""
    goal: Goal
    value: Optional[float]

    @property
    def holds(self):
        """Whether the goal is reached; None if it couldn't be told."""
        if self.value is None:
            return None
        return self.value >= self.goal.bound if self.goal.sense == '>=' else self.value <= self.goal.bound


def factor(number):
    """Return a ratio as people write it: 2.3x, and 1/3 for what is less than 1 and an even part."""
    if 0 < number < 0.5 and abs(1 / number - round(1 / number)) < 1e-6:
        return '1/%d' % round(1 / number)
    return '%gx' % number


def summarize(samples):
    """
    Return {metric: Figure} of a list of {metric: number}, one a round.

    A metric that a round has as None, or not at all, is not counted in.
    """
    names = []
    for sample in samples:
        names += [name for name in sample if name not in names]
    figures = {}
    for name in names:
        values = [sample[name] for sample in samples if sample.get(name) is not None]
        if values:
            figures[name] = Figure(standard.median(values), min(values), max(values), len(values))
    return figures


def ratio(figures, metric, of, base):
    """
    Return the ratio of two contenders' medians, or None.

    `figures` is {contender: {metric: Figure}}.
    """
    try:
        above, below = figures[of][metric].median, figures[base][metric].median
    except KeyError:
        return None
    return above / below if below else None


def difference(figures, metric, of, base):
    """Return by how much a contender's median is more than another's, or None; `figures` as for ratio()."""
    try:
        return figures[of][metric].median - figures[base][metric].median
    except KeyError:
        return None


def judge(goals, figures):
    """Return the Verdict of each of `goals`; `figures` as for ratio()."""
    verdicts = []
    for goal in goals:
        if goal.base is not None:
            value = (difference if goal.is_more else ratio)(figures, goal.metric, goal.of, goal.base)
        else:
            figure = figures.get(goal.of, {}).get(goal.metric)
            value = figure and figure.median
        verdicts.append(Verdict(goal, value))
    return verdicts


def slope(points):
    """
    Return (slope, intercept) of the straight line through `points`, (x, y).

    Least squares. None unless there are two different x.
    """
    points = list(points)
    number = len(points)
    mean_x = sum(x for x, y in points) / number if number else 0
    spread = sum((x - mean_x) ** 2 for x, y in points)
    if not spread:
        return None
    mean_y = sum(y for x, y in points) / number
    gradient = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return gradient, mean_y - gradient * mean_x
