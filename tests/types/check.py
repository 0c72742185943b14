"""
What type checkers and editors make of the installed wheel: `python check.py`.

mypy and pyright have to accept good.py and to flag the marked lines of bad.py
and no other, under both names of the package, without a hint to install
another project's stubs, and Jedi to complete a name. In an environment with
`django-stubs`, whose folder the stubs share, stubtest also compares them with
the modules. Prints a table; the status is 1 if one failed.
"""
from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator

HERE = Path(__file__).resolve().parent


#: The line of a file that a checker flags, or has to.
Line = tuple[str, int]


def marked(path: Path) -> set[Line]:
    """Return the lines that a checker has to flag."""
    lines = path.read_text().splitlines()
    return {(path.name, number) for number, line in enumerate(lines, 1) if line.endswith("# wrong")}


def run(*command: str | Path, **environ: str) -> str:
    """Return what a command prints, whatever its status."""
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=HERE, env=dict(os.environ, **environ),
    ).stdout


def mypy(paths: list[Path]) -> tuple[set[Line], str]:
    """Return the lines that mypy flags, and what it says."""
    said = run("mypy", "--strict", "--cache-dir", os.devnull, *paths)
    return {(name, int(number)) for name, number in re.findall(r"(\w+\.py):(\d+): error:", said)}, said


def pyright(paths: list[Path]) -> tuple[set[Line], str]:
    """Return the same for pyright."""
    said = run("pyright", "--outputjson", "--pythonpath", sys.executable, *paths)
    found = json.loads(said[said.index("{"):])["generalDiagnostics"]
    errors = [each for each in found if each["severity"] == "error"]
    return {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}, said


def jedi(package: str) -> bool:
    """Return whether Jedi completes a method of a class of the package."""
    import jedi
    text = "from %s.generic.websockets import WebsocketConsumer\nWebsocketConsumer.group_se" % package
    script = jedi.Script(text, environment=jedi.InterpreterEnvironment())
    return [found.name for found in script.complete()] == ["group_send"]


def stubtest() -> str:
    """Return what differs between stubs and modules."""
    program = "import django, sys; django.setup(); from mypy.stubtest import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "--ignore-missing-stub", "--concise", "--allowlist", "allowed.txt",
         "--ignore-unused-allowlist", "django.channels"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=HERE,
        env=dict(os.environ, DJANGO_SETTINGS_MODULE="settings", PYTHONPATH=str(HERE)),
    )
    return done.stdout if done.returncode else ""


def results(folder: Path) -> Iterator[tuple[str, bool, str]]:
    """Yield (tool and what it was told, whether it is right, what the tool said)."""
    paths = []
    for package in ("django.channels", "channels"):
        for name in ("good", "bad"):
            path = folder / ("%s_%s.py" % (name, package.replace(".", "_")))
            path.write_text((HERE / (name + ".py")).read_text().replace("django.channels", package))
            paths.append(path)
    expected = set().union(*map(marked, paths))
    for checker in (mypy, pyright):
        flagged, said = checker(paths)
        for path in paths:
            wrong = {line for line in flagged ^ expected if line[0] == path.name}
            # A hint would be for the stubs of another project, whose package has the same name.
            yield "%s, %s" % (checker.__name__, path.name), not wrong and "types-channels" not in said, said
    for package in ("django.channels", "channels"):
        yield "Jedi, %s" % package, jedi(package), ""
    if importlib.util.find_spec("mypy_django_plugin"):
        said = stubtest()
        yield "stubtest", not said, said


def main() -> int:
    """Print the table."""
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        for tool, right, said in results(Path(folder)):
            print("%-34s %s" % (tool, "as expected" if right else "WRONG:\n" + said), flush=True)
            status = status or int(not right)
    return status


if __name__ == "__main__":
    sys.exit(main())
