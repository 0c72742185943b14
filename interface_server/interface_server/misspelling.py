"""
Names of options that somebody got wrong: on the command line, in the environment.
"""
from __future__ import annotations

import argparse
import difflib
from collections.abc import Collection, Sequence
from typing import NoReturn, Optional

from .errors import UsageError


def nearest(name: str, names: Collection[str]) -> Optional[str]:
    """Return which of `names` is meant by `name`, if one is near enough."""
    # What differs in a letter or two; 0.8 leaves out what only ends alike.
    return next(iter(difflib.get_close_matches(name, sorted(names), 1, 0.8)), None)


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError, a line of advice, in place of a page of usage and an error below it."""

    def parse_strictly(self, arguments: Optional[Sequence[str]]) -> argparse.Namespace:
        """Return what `arguments` are; raise UsageError."""
        parsed, unknown = self.parse_known_args(arguments)
        # What follows such an option is taken for what else can be there.
        options = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        if options:
            # Not what has been an option once.
            known = [name for action in self._actions if action.help != argparse.SUPPRESS
                     for name in action.option_strings]
            right = nearest(options[0], known)
            self.error(f"There is no option {options[0]}." + (f" Is it {right}?" if right else ""))
        if unknown:
            self.error(f"What is {unknown[0]}? One channel layer is named.")
        return parsed

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith((".", "?")) else "."
        raise UsageError(f"{message}{end} {self.prog} --help lists the options.")
