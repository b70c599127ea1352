"""The signals job, for a few signals."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_runs_that_get_signals_end_with_the_same_bytes() -> None:
    program = Path(__file__).with_name("signals.py")
    options = ["--count", "6", "--seed", "5", "--modes", "threads,processes"]
    done = subprocess.run(
        [sys.executable, str(program), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("4 signals (")
    assert done.stdout.endswith("0 failed\n")
