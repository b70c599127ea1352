"""A Dask cluster gives what one machine gives, also where its workers die."""

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from galfeat import UsageError
from galfeat.pipeline import extract
from galfeat.pipeline.extraction.extract import Options

pytest.importorskip("distributed", reason="Dask is not installed: pip install 'galfeat[dask]'")

Run = Callable[..., int]
LOCAL = {"cluster": "local", "workers": 2}


def crashes(out: Path) -> list[str]:
    with out.with_name("F.failures.csv").open(newline="", encoding="utf-8") as handle:
        return [line["id"] for line in csv.DictReader(handle) if line["stage"] == "crash"]


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Return the address of a scheduler with one worker, both started as the documentation says."""
    record = tmp_path / "scheduler.json"
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    worker = [
        sys.executable,
        "-m",
        "distributed.cli.dask_worker",
        "--scheduler-file",
        str(record),
        "--nthreads",
        "2",
        "--no-dashboard",
    ]
    options = [
        "--scheduler-file",
        str(record),
        "--port",
        "0",
        "--no-dashboard",
        "--host",
        "127.0.0.1",
    ]
    with (
        subprocess.Popen([*program, *options], stderr=subprocess.DEVNULL) as first,
        subprocess.Popen(
            [*worker, "--local-directory", str(tmp_path / "dask")], stderr=subprocess.DEVNULL
        ) as second,
    ):
        with import_module("distributed").Client(scheduler_file=str(record), timeout=600) as client:
            client.wait_for_workers(1, timeout=600)
            address = client.scheduler.address
        yield address
        second.terminate()
        first.terminate()


@pytest.mark.slow
def test_a_running_cluster_gives_the_same_bytes(
    scheduler: str, damaged: Path, tmp_path: Path, server: Run, undisturbed: tuple[bytes, bytes]
) -> None:
    out = tmp_path / "F.parquet"
    assert server(damaged, out, options={"cluster": scheduler}) == 0
    assert (out.read_bytes(), out.with_name("F.failures.csv").read_bytes()) == undisturbed


@pytest.mark.slow
def test_a_worker_that_is_killed_is_survived(survey: Path, tmp_path: Path, server: Run) -> None:
    out, whole = tmp_path / "F.parquet", tmp_path / "whole" / "F.parquet"
    poison = {"rows": [21], "how": "SIGKILL", "unless": str(tmp_path / "died"), "once": True}
    assert server(survey, out, poison=poison, options=LOCAL) == 0
    assert (tmp_path / "died").exists()
    assert crashes(out) == []
    poison["unless"] = str(survey)
    assert server(survey, whole, poison=poison) == 0
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_a_galaxy_that_kills_every_worker_is_left_out(
    survey: Path, tmp_path: Path, server: Run
) -> None:
    # after two workers, not four
    out, sooner = tmp_path / "F.parquet", {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    assert (
        server(survey, out, poison={"rows": [21], "how": "SIGKILL"}, options=LOCAL, environ=sooner)
        == 0
    )
    assert crashes(out) == ["sim000021"]


@pytest.mark.slow
def test_a_worker_that_does_not_come_back_is_replaced() -> None:
    from galfeat.pipeline.batch import dask as clusters

    with (
        import_module("dask").config.set({"distributed.deploy.lost-worker-timeout": "1s"}),
        clusters._connect("local", 1) as client,
    ):
        (watcher,) = client.cluster.workers.values()
        # as after a start that took too long: nobody starts the worker again
        client.cluster.sync(watcher.close)
        assert client.submit(int, "7").result(timeout=120) == 7


@pytest.mark.slow
def test_where_no_scheduler_is_it_says_so(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galfeat.pipeline.batch import dask as clusters

    monkeypatch.setattr(clusters, "_CONNECT_TIMEOUT", 1)
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        extract(
            survey,
            tmp_path / "F.parquet",
            features=["color"],
            options=Options(cluster="tcp://127.0.0.1:9"),
        )


def test_without_dask_it_says_what_to_install(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'galfeat\[dask\]'"):
        extract(
            survey, tmp_path / "F.parquet", features=["color"], options=Options(cluster="local")
        )
    assert not (tmp_path / "F.parquet").exists()
