"""Resumed runs: what is refused, what is measured again, and the same bytes at the end."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galfeat.pipeline import extract, load_features
from galfeat.pipeline.batch import work
from galfeat.pipeline.batch import workers as running
from galfeat.pipeline.batch.parquet import growing_table as growing
from galfeat.pipeline.extraction.recipe import FEATURE_VERSION

Run = Callable[..., int]
HALF = {"at": "after rename of shard", "number": 3}


def message(out: Path) -> str:
    return (out.parent / "note.said").read_text()


def failures(out: Path) -> list[dict[str, str]]:
    with out.with_name("F.failures.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture
def copy(survey: Path, tmp_path: Path) -> Path:
    """Return a copy of the survey, to be changed."""
    shutil.copytree(survey, tmp_path / "survey")
    return tmp_path / "survey"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 24}, ["preparation.size was 32 and is 24 now"]),
        ({"features": ["color"]}, ["extractors.hog has been removed"]),
        (
            {"features": ["color", "hog", "texture"]},
            ["extractors.texture has been added"],
        ),
        ({"version": 99}, [f"feature_version was {FEATURE_VERSION} and is 99 now"]),
    ],
    ids=["size", "fewer", "more", "version"],
)
def test_other_settings_are_refused_until_restart(
    change: dict[str, object], words: list[str], copy: Path, tmp_path: Path, server: Run
) -> None:
    out = tmp_path / "F.parquet"
    assert server(copy, out, **HALF) == -9
    assert server(copy, out, **change) == 2
    assert all(each in message(out) for each in [*words, "--restart"]), message(out)
    assert not out.exists()
    assert server(copy, out, **change, options={"restart": True}) == 0
    fresh = tmp_path / "fresh" / "F.parquet"
    assert server(copy, fresh, **change) == 0
    assert out.read_bytes() == fresh.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("new", "had 90 entries and has 91 now"),
        (40, "rows 33 to 48 of the catalog"),
        (0, "rows 1 to 16 of the catalog"),
    ],
)
def test_another_catalog_is_refused(
    row: int | str, words: str, copy: Path, tmp_path: Path, server: Run
) -> None:
    out = tmp_path / "F.parquet"
    assert server(copy, out, **HALF) == -9
    lines = (copy / "catalog.csv").read_text().splitlines()
    if row == "new":
        lines.append("another," + lines[1].partition(",")[2])
    else:
        lines[1 + int(row)] = lines[1 + int(row)].rpartition(",")[0] + ",changed"
    (copy / "catalog.csv").write_text("\n".join(lines) + "\n")
    assert server(copy, out) == 2
    assert words in message(out)


@pytest.mark.slow
def test_a_changed_file_is_measured_again(copy: Path, tmp_path: Path, server: Run) -> None:
    out, fresh = tmp_path / "F.parquet", tmp_path / "fresh" / "F.parquet"
    assert server(copy, out, at="after rename of shard", number=6) == -9
    first, second = copy / "sim000000.fits", copy / "sim000030.fits"
    first.write_bytes(second.read_bytes())  # of the same size: only the time tells
    os.utime(first, ns=(10**18, 10**18))
    assert server(copy, out) == 0
    assert server(copy, fresh) == 0
    assert out.read_bytes() == fresh.read_bytes()
    hog = load_features(out).blocks["hog"]
    assert np.array_equal(hog[0], hog[30])


@pytest.mark.slow
def test_retried_failures_end_as_if_there_had_been_none(
    copy: Path, tmp_path: Path, server: Run
) -> None:
    whole, out = tmp_path / "whole" / "F.parquet", tmp_path / "F.parquet"
    assert server(copy, whole) == 0
    broken = ["sim000020.fits", "sim000021.fits", "sim000070.fits"]
    for name in broken:
        (copy / name).rename(copy / f"{name}.away")
    assert server(copy, out) == 0
    assert [line["file"] for line in failures(out)] == broken
    (copy / f"{broken[0]}.away").rename(copy / broken[0])
    assert server(copy, out, options={"retry_failed": True}) == 0  # of a finished run
    assert [line["file"] for line in failures(out)] == broken[1:]
    for name in broken[1:]:
        (copy / f"{name}.away").rename(copy / name)
    for moment in (
        {"at": "before rename of shard", "number": 2},
        {"at": "before reading", "number": 1},
    ):
        # once while the table is taken apart, once after that
        assert server(copy, out, **moment, options={"retry_failed": True}) == -9
    assert server(copy, out, options={"retry_failed": True}) == 0
    assert out.read_bytes() == whole.read_bytes()
    assert failures(out) == []


@pytest.mark.slow
def test_retrying_measures_only_what_failed(copy: Path, tmp_path: Path, server: Run) -> None:
    out = tmp_path / "F.parquet"
    away = copy / "sim000020.fits"
    away.rename(copy / "away")
    assert server(copy, out) == 0
    (copy / "away").rename(away)
    # for the bands, for their units, and for the one
    assert server(copy, out, at="before reading", number=4, options={"retry_failed": True}) == 0


def test_a_table_of_other_settings_is_not_reused(copy: Path, tmp_path: Path, server: Run) -> None:
    out = tmp_path / "F.parquet"
    (copy / "sim000020.fits").unlink()
    assert server(copy, out) == 0
    before = out.read_bytes()
    assert server(copy, out, size=24, options={"retry_failed": True}) == 2
    assert "preparation.size was 32 and is 24 now" in message(out)
    assert out.read_bytes() == before
    assert not out.with_name("F.parquet.work").exists()


@pytest.mark.slow
@pytest.mark.parametrize("change", ["size", "older", "newer"])
def test_a_table_of_changed_files_is_not_reused(
    change: str, copy: Path, tmp_path: Path, server: Run
) -> None:
    out, away, changed = tmp_path / "F.parquet", copy / "sim000020.fits", copy / "sim000035.fits"
    away.rename(copy / "away")
    assert server(copy, out) == 0
    before, times = out.read_bytes(), (changed.stat().st_atime_ns, changed.stat().st_mtime_ns)
    if change == "size":
        changed.write_bytes(changed.read_bytes() + bytes(2880))
    os.utime(
        changed,
        ns={"size": times, "older": (10**18, 10**18), "newer": (4 * 10**18, 4 * 10**18)}[change],
    )
    (copy / "away").rename(away)
    assert server(copy, out, options={"retry_failed": True}) == 2
    assert (
        "of the rows 33 to 48 of the catalog, some have another size or modification time"
        in message(out)
    )
    assert ("(sim000035.fits changed after the table was made)" in message(out)) == (
        change == "newer"
    )
    assert out.read_bytes() == before
    assert not out.with_name("F.parquet.work").exists()
    os.utime(away, ns=(4 * 10**18, 4 * 10**18))  # what failed may be another file now
    if change != "size":
        os.utime(changed, ns=times)
        assert server(copy, out, options={"retry_failed": True}) == 0
        assert failures(out) == []


@pytest.mark.slow
def test_files_deleted_during_a_run_are_failures(copy: Path, tmp_path: Path, server: Run) -> None:
    out = tmp_path / "F.parquet"
    assert server(copy, out, **HALF) == -9
    gone = ["sim000060.fits", "sim000089.fits"]
    for name in gone:
        (copy / name).unlink()
    assert server(copy, out) == 0
    assert [(line["file"], line["stage"]) for line in failures(out)] == [
        (name, "read") for name in gone
    ]


@pytest.mark.slow
def test_a_second_run_on_the_same_output_is_refused(
    copy: Path, tmp_path: Path, server: Run
) -> None:
    import fcntl

    out = tmp_path / "F.parquet"
    assert server(copy, out, **HALF) == -9
    lock = tmp_path / "F.parquet.work" / "lock"
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert server(copy, out) == 2
        assert "another run is making" in message(out)
    assert server(copy, out) == 0  # the lock ended with its holder, though the file was there


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "number"),
    [
        ("after writing a shard", 3),
        ("before sync of shard", 2),
        ("before writing failures", 1),
        ("after copying a shard", 2),
        ("before sync of table", 1),
        ("before rename of record", 1),
    ],
)
def test_a_full_disk_is_one_sentence_and_the_run_can_be_resumed(
    at: str,
    number: int,
    damaged: Path,
    tmp_path: Path,
    server: Run,
    undisturbed: tuple[bytes, bytes],
) -> None:
    out = tmp_path / "F.parquet"
    out.write_bytes(b"an earlier table")
    assert server(damaged, out, at=at, number=number, act="no space") == 2
    assert "no space left on the disk; make room" in message(out)
    assert "goes on where it stopped" in message(out)
    assert out.read_bytes() == b"an earlier table"
    assert not list(tmp_path.rglob("*.part"))
    assert server(damaged, out) == 0
    assert (out.read_bytes(), out.with_name("F.failures.csv").read_bytes()) == undisturbed


@pytest.mark.slow
def test_a_small_disk_that_becomes_larger(
    damaged: Path, tmp_path: Path, undisturbed: tuple[bytes, bytes]
) -> None:
    disk, copied = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    copied.mkdir()
    table = len(undisturbed[0])
    sizes = [table // 2, 3 * table // 2, 4 * table + (1 << 20)]
    order = {"source": str(damaged), "folder": str(disk), "copy": str(copied), "sizes": sizes}
    program = ["unshare", "-rm", sys.executable, str(Path(__file__).with_name("small_disk.py"))]
    try:
        ended = subprocess.run(
            program, input=json.dumps(order), stdout=subprocess.PIPE, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("there is no command 'unshare' to mount a small disk with")
    if ended.returncode in (1, 77) and not ended.stdout:
        pytest.skip("a small disk may not be mounted here, not even with 'unshare -rm'")
    smallest, small, large = json.loads(ended.stdout)
    for each in (smallest, small):
        assert each["status"] == 2
        assert "no space left on the disk; make room" in each["said"]
        assert each["table"] == len(b"an earlier table")
        assert not [name for name in each["left"] if name.endswith(".part")]
    shards = [
        [name for name in each["left"] if name.startswith("F.parquet.work/shards/")]
        for each in (smallest, small)
    ]
    assert 0 < len(shards[0]) < len(shards[1])  # it was resumed
    assert large["status"] == 0
    assert large["left"] == ["F.failures.csv", "F.parquet"]
    assert (
        (copied / "F.parquet").read_bytes(),
        (copied / "F.failures.csv").read_bytes(),
    ) == undisturbed


class _Dying:
    """Raises SIGINT in its destructor, where Python prints the exception and drops it."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("default_sigint_handler")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_that_python_loses_is_remembered(damaged: Path, tmp_path: Path) -> None:
    seen = []

    def progress(done: int, total: int, failed: int) -> None:  # noqa: ARG001
        seen.append(done)
        if len(seen) == 1:
            _Dying()

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        extract(damaged, tmp_path / "F.parquet", features=["color"], progress=progress)
    assert len(seen) == 1
    assert signal.getsignal(signal.SIGINT) is handler


def test_an_interrupted_run_waits_only_briefly_for_its_workers(
    damaged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    crew: Any = running._Workers
    wait = crew.wait

    def noted(self: Any, patience: float) -> None:
        waited.append(patience)
        wait(self, patience)

    def interrupted(*_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(crew, "wait", noted)
    extract(damaged, tmp_path / "F.parquet", features=["color"])
    with pytest.raises(KeyboardInterrupt):
        extract(damaged, tmp_path / "G.parquet", features=["color"], progress=interrupted)
    assert waited[1] <= 1 < 10 < waited[0]


def test_a_resumed_run_measures_before_all_finished_shards_are_in_the_table(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_MIN_ROWS", 4)
    monkeypatch.setattr(work, "_MAX_ROWS", 4)
    put: list[Path] = []
    before: list[int] = []
    add = growing.GrowingTable.add

    def counted(table: growing.GrowingTable, path: Path) -> None:
        put.append(path)
        add(table, path)

    def interrupted(done: int, _total: int, _failed: int) -> None:
        if done >= 72:
            raise KeyboardInterrupt

    out, undisturbed = tmp_path / "F.parquet", tmp_path / "undisturbed" / "F.parquet"
    with pytest.raises(KeyboardInterrupt):
        extract(survey, out, features=["color"], workers=2, progress=interrupted)
    monkeypatch.setattr(growing.GrowingTable, "add", counted)
    extract(survey, out, features=["color"], workers=2, progress=lambda *_: before.append(len(put)))
    assert before[0] <= 4
    assert len(put) == 23
    extract(survey, undisturbed, features=["color"], workers=2)
    assert out.read_bytes() == undisturbed.read_bytes()


@pytest.mark.slow
def test_an_interrupted_run_is_resumed_without_suspects(
    damaged: Path, tmp_path: Path, server: Run, undisturbed: tuple[bytes, bytes]
) -> None:
    out = tmp_path / "F.parquet"
    assert server(damaged, out, at="after writing a shard", number=3, act="interrupt") == 130
    assert (tmp_path / "F.parquet.work" / "journal").read_bytes() == b""
    assert server(damaged, out) == 0
    assert (out.read_bytes(), out.with_name("F.failures.csv").read_bytes()) == undisturbed
