"""Batch commands from a user's shell: crashes, Ctrl-C, a limit on files, a log; and that the next
command goes on.
"""

import csv
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from galfeat.scripts.main import app
from galfeat.scripts.running import run

COMMAND = [sys.executable, "-m", "galfeat.scripts.main"]
POISON = """
import os, signal, sys
from pathlib import Path
from galfeat.data.sources.files import FileSource
from galfeat.pipeline.batch.work import BatchWork
BatchWork.shard_size = 16
read = FileSource.read
def poisoned(self, shard):
    if shard.start <= 21 < shard.stop and {poisoned}:
        os.kill(os.getpid(), signal.SIGSEGV)
    if {slow} and shard.start > 40:
        Path(sys.argv[-1]).with_name("slow").touch()
        import time; time.sleep(0.5)
    return read(self, shard)
FileSource.read = poisoned
"""


def start(
    tmp_path: Path, *arguments: object, poisoned: bool = False, slow: bool = False
) -> "subprocess.Popen[str]":
    """Start a command in a process in which shards are small, and reading may be deadly or slow;
    its children are the same.
    """
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "sitecustomize.py").write_text(POISON.format(poisoned=poisoned, slow=slow))
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, text=True, env=env
    )


@pytest.fixture
def whole(survey: Path, tmp_path: Path) -> bytes:
    """Return the table of a run that nothing happened to."""
    process = start(
        tmp_path,
        "extract",
        survey,
        "--features",
        "color",
        "--size",
        32,
        "--out",
        tmp_path / "whole.parquet",
    )
    _, said = process.communicate()
    assert (process.returncode, said) == (
        0,
        f"extract: 90 cutouts measured: {tmp_path / 'whole.parquet'}\n",
    )
    return (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.slow
def test_a_segmentation_fault_costs_one_galaxy_and_no_second_command(
    survey: Path, tmp_path: Path
) -> None:
    out = tmp_path / "F.parquet"
    process = start(
        tmp_path,
        "extract",
        survey,
        "--features",
        "color",
        "--size",
        32,
        "--out",
        out,
        poisoned=True,
    )
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert "the run was ended by SIGSEGV; looking for the galaxy" in said
    assert (
        "89 cutouts measured, 1 failed (most often: it ended the process: a segmentation fault"
        in said
    )
    with (tmp_path / "F.failures.csv").open(newline="") as handle:
        assert [(line["id"], line["stage"]) for line in csv.DictReader(handle)] == [
            ("sim000021", "crash")
        ]


@pytest.mark.slow
@pytest.mark.usefixtures("default_sigint_handler")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_stopped_within_two_seconds_and_gone_on_with(
    number: signal.Signals, whole: bytes, survey: Path, tmp_path: Path
) -> None:
    out = tmp_path / "F.parquet"
    arguments = [
        "extract",
        survey,
        "--features",
        "color",
        "--size",
        32,
        "--workers",
        1,
        "--out",
        out,
    ]
    process = start(tmp_path, *arguments, slow=True)
    while not (tmp_path / "slow").exists():  # it is in the midst of it
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert not out.exists()
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 130
        assert "of 90 cutouts are finished; the same command continues from there" in said
        assert said.endswith("galfeat: interrupted\n")
    process = start(tmp_path, *arguments)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert out.read_bytes() == whole
    assert not (tmp_path / "F.parquet.work").exists()


@pytest.mark.slow
def test_of_two_runs_at_once_the_second_is_refused(
    whole: bytes, survey: Path, tmp_path: Path
) -> None:
    out = tmp_path / "F.parquet"
    arguments = ["extract", survey, "--features", "color", "--size", 32, "--workers", 1]
    arguments += ["--out", out]  # last, for `POISON`
    first = start(tmp_path, *arguments, slow=True)
    while not (tmp_path / "slow").exists():  # it is in the midst of it
        assert first.poll() is None
        time.sleep(0.01)
    holder = int((tmp_path / "F.parquet.work" / "lock").read_text().split()[1])
    os.kill(holder, signal.SIGSTOP)
    second = start(tmp_path, "extract", "--restart", *arguments[1:])
    _, said = second.communicate()
    assert second.returncode == 2
    assert said.startswith(f"galfeat: another run is making {out} now (process ")
    assert said.count("\n") == 1
    os.kill(holder, signal.SIGCONT)
    _, said = first.communicate()
    assert first.returncode == 0, said
    assert out.read_bytes() == whole


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_is_said_and_the_run_goes_on_later(
    whole: bytes, survey: Path, tmp_path: Path
) -> None:
    out = tmp_path / "F.parquet"
    (tmp_path / "site" / "sitecustomize.py").write_text(POISON.format(poisoned=False, slow=False))
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    arguments = [
        *COMMAND,
        "extract",
        str(survey),
        "--features",
        "color",
        "--size",
        "32",
        "--out",
        str(out),
    ]

    def limit() -> None:
        # shards are smaller than that, the table is larger
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    done = subprocess.run(
        arguments, stderr=subprocess.PIPE, text=True, env=env, preexec_fn=limit, check=False
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "the file gets larger than the system allows" in done.stderr
    assert not out.exists()
    assert (
        subprocess.run(arguments, env=env, stderr=subprocess.DEVNULL, check=False).returncode == 0
    )
    assert out.read_bytes() == whole


def test_quiet_prints_nothing_and_the_log_has_all_messages(
    survey: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "extract",
        str(survey),
        "--features",
        "color",
        "--size",
        "32",
        "--out",
        str(tmp_path / "F.parquet"),
        "--quiet",
    ]
    assert run(app, [*arguments, "--log", str(tmp_path / "logs" / "run.log")]) == 0
    assert capsys.readouterr() == ("", "")
    text = (tmp_path / "logs" / "run.log").read_text()
    assert [word in text for word in ("extract: begun", "90 of 90 cutouts, 0 failed")] == [
        True,
        True,
    ]
    assert run(app, [*arguments, "--restart", "--retry-failed"]) == 2
    assert "give one of them" in capsys.readouterr().err
