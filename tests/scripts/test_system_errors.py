"""What the system lacks or refuses: one sentence, no traceback."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from galfeat.scripts import defaults
from galfeat.scripts.main import app
from galfeat.scripts.running import _system_reason, run

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
GALFEAT = [sys.executable, "-m", "galfeat.scripts.main"]


def _shell(command: str, path: str = "") -> tuple[str, int]:
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join([path, *sys.path])}
    ended = subprocess.run(
        ["bash", "-c", command.replace("galfeat", " ".join(GALFEAT), 1)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    return ended.stderr, ended.returncode


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError("array of 3 TB"), "not enough memory: array of 3 TB"),
        (ImportError("libGL.so.1: cannot open shared object file"), "a library cannot be loaded"),
        (OSError("Could not find/load shared object file"), "a library cannot be loaded"),
        (OSError(errno.ENOSPC, "No space left on device"), "cannot write its output"),
        (PermissionError(errno.EACCES, "Permission denied", "a/b"), "a/b: Permission denied"),
        (RuntimeError("can't start new thread"), "no more threads"),
    ],
)
def test_one_sentence(error: BaseException, words: str) -> None:
    reason = _system_reason(error)
    assert reason is not None
    assert words in reason
    assert "\n" not in reason


@pytest.mark.parametrize(
    "error",
    [RuntimeError("a bug"), ImportError("a bug", name="galfeat.x"), OSError("odd"), SystemExit(1)],
)
def test_bugs_keep_their_traceback(error: BaseException) -> None:
    assert _system_reason(error) is None


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["> /dev/full", ">&-", "| true; exit ${PIPESTATUS[0]}"])
@pytest.mark.parametrize(
    "command", ["galfeat config", "galfeat --version", "galfeat extract --help"]
)
def test_output_that_cannot_be_written(command: str, ending: str) -> None:
    stderr, status = _shell(f"{command} {ending}")
    assert stderr.startswith("galfeat: cannot write its output"), stderr
    assert stderr.count("\n") == 1
    assert status == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "line", "feature"),
    [
        ("numba", "raise ImportError('libgomp.so.1: cannot open shared object file')", "hog"),
        ("llvmlite", "raise OSError('Could not find/load shared object file: libllvm')", "hog"),
    ],
)
def test_a_missing_shared_library(library: str, line: str, feature: str, tmp_path: Path) -> None:
    (tmp_path / f"{library}.py").write_text(line)
    made = subprocess.run(
        [*GALFEAT, "simulate", tmp_path / "in", "--n", "3"], check=True, env=ENVIRONMENT
    )
    assert made.returncode == 0
    stderr, status = _shell(
        f"galfeat extract {tmp_path}/in --features {feature} --out {tmp_path}/f.parquet --quiet",
        str(tmp_path),
    )
    assert stderr.startswith("galfeat: a library cannot be loaded"), stderr
    assert "Traceback" not in stderr
    assert status == 1


@pytest.mark.slow
def test_too_little_memory(tmp_path: Path) -> None:
    subprocess.run([*GALFEAT, "simulate", tmp_path / "in", "--n", "3"], check=True, env=ENVIRONMENT)
    stderr, status = _shell(
        "ulimit -v 700000; OPENBLAS_NUM_THREADS=1 "
        f"galfeat extract {tmp_path}/in --features pixels --out {tmp_path}/f.parquet --quiet"
    )
    assert "Traceback" not in stderr
    assert status in (0, 1) or "too little memory" in stderr, stderr


@pytest.mark.slow
def test_commands_work_without_assertions(tmp_path: Path) -> None:
    def run(*arguments: str | Path) -> None:
        subprocess.run(
            [sys.executable, "-O", "-m", "galfeat.scripts.main", *arguments],
            check=True,
            env=ENVIRONMENT,
            capture_output=True,
        )

    table, model = tmp_path / "f.parquet", tmp_path / "m.galfeat"
    run("simulate", tmp_path / "in", "--n", "40", "--size", "32")
    run("extract", tmp_path / "in", "--out", table, "--features", "pixels,hog", "--size", "32")
    run("train", table, "--out", model, "--inputs", "hog")
    run("classify", model, tmp_path / "in", "--out", tmp_path / "c.csv")
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 41


def test_a_library_that_gets_no_memory_and_does_not_say_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def loads() -> None:
        raise SystemError("error return without exception set")

    monkeypatch.setattr(defaults, "defaults", loads)
    assert run(app, ["config"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("galfeat: not enough memory to load a library")
    assert said.count("\n") == 1
