"""The types, as the strictest of mypy's settings see them."""
import importlib.util
import os
import subprocess
import sys

import pytest
from conftest import CHECKOUT
from needs import missing


def test_types(tmp_path):
    if importlib.util.find_spec("mypy") is None:
        if "CHANNELS_WSTEST" in os.environ:
            missing("mypy isn't installed: pip install mypy")
        pytest.skip("mypy isn't installed; one pair of runtests.py runs it for all")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)], cwd=os.path.join(CHECKOUT, "interface_server"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    assert checked.returncode == 0, checked.stdout
    assert "no issues found" in checked.stdout
