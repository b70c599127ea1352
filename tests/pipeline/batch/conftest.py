"""A server of runs that may be killed, and what an undisturbed run gives."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Run = Callable[..., int]


@pytest.fixture(scope="session")
def server() -> Iterator[Run]:
    """Return a function that runs extraction in a process of its own, with what is to happen to it,
    and gives its exit status.
    """
    with subprocess.Popen(
        [sys.executable, str(HERE / "killed_run.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(source: Path, out: Path, **order: Any) -> int:
            assert process.stdin is not None
            assert process.stdout is not None
            order |= {"source": str(source), "out": str(out), "note": str(out.parent / "note.json")}
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.fixture(scope="session")
def damaged(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the survey with two files that cannot be read."""
    folder = tmp_path_factory.mktemp("damaged") / "survey"
    shutil.copytree(survey, folder)
    for number in (20, 70):
        (folder / f"sim{number:06d}.fits").write_bytes(b"")
    return folder


@pytest.fixture(scope="session")
def undisturbed(
    damaged: Path, server: Run, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, bytes]:
    """Return table and list of failures of a run that nothing happened to."""
    out = tmp_path_factory.mktemp("undisturbed") / "F.parquet"
    assert server(damaged, out) == 0
    assert [path.name for path in sorted(out.parent.iterdir())] == ["F.failures.csv", "F.parquet"]
    return out.read_bytes(), (out.parent / "F.failures.csv").read_bytes()
