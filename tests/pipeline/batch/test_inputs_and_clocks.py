"""Runs whose inputs change meanwhile, whose clock is set back, or whose names are long."""

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from galfeat import UsageError
from galfeat.data import Shard, read_cutouts
from galfeat.data.sources.files import FileSource
from galfeat.pipeline import extract
from galfeat.pipeline.batch import work
from galfeat.pipeline.batch.options import Options

HOUR = 3600.0


@pytest.fixture
def copy(survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the survey, to be read in shards of 16."""
    monkeypatch.setattr(work, "_MIN_ROWS", 16)
    monkeypatch.setattr(work, "_MAX_ROWS", 16)
    shutil.copytree(survey, tmp_path / "survey")
    return tmp_path / "survey"


def after_reading(
    monkeypatch: pytest.MonkeyPatch, row: int, act: Callable[[], None], times: int
) -> None:
    """Act after a row is read, so many times."""
    read, left = FileSource.read, [times]

    def reading(self: FileSource, shard: Shard) -> object:
        found = read(self, shard)
        if shard.start <= row < shard.stop and left[0]:
            left[0] -= 1
            act()
        return found

    monkeypatch.setattr(FileSource, "read", reading)


@pytest.mark.parametrize("change", ["content", "deleted"])
def test_a_file_that_changes_while_it_is_measured_is_measured_again(
    change: str,
    copy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file, out = copy / "sim000040.fits", tmp_path / "F.parquet"

    def act() -> None:
        if change == "deleted":
            file.unlink()
        else:
            file.write_bytes((copy / "sim000050.fits").read_bytes())

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "galfeat"):
        after_reading(patch, 40, act, 1)
        summary = extract(copy, out, features=["color"])
    assert "files of the cutouts 33 to 48 changed while they were measured" in caplog.text
    assert summary.failed == (change == "deleted")
    fresh = tmp_path / "fresh.parquet"
    extract(copy, fresh, features=["color"])
    assert out.read_bytes() == fresh.read_bytes()


def test_a_file_that_keeps_changing_ends_the_run_with_a_sentence(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = copy / "sim000040.fits", tmp_path / "F.parquet"

    def act() -> None:
        with file.open("ab") as growing:
            growing.write(bytes(2880))

    with monkeypatch.context() as patch:
        after_reading(patch, 40, act, 100)
        with pytest.raises(UsageError, match="33 to 48 keep changing while they are measured"):
            extract(copy, out, features=["color"])
    assert not out.exists()
    assert extract(copy, out, features=["color"]).done == 90


def test_other_shards_are_measured_once(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    file = copy / "sim000040.fits"
    after_reading(monkeypatch, 40, file.touch, 1)
    read = FileSource.read

    def counted(self: FileSource, shard: Shard) -> object:
        rows.extend(range(shard.start, shard.stop))
        return read(self, shard)

    extract(copy, tmp_path / "first.parquet", features=["color"])  # the change is spent on it
    monkeypatch.setattr(FileSource, "read", counted)
    after_reading(monkeypatch, 40, file.touch, 1)
    extract(copy, tmp_path / "F.parquet", features=["color"])
    assert {row for row in range(1, 90) if rows.count(row) == 2} == set(range(32, 48))


def test_files_that_a_catalog_names_by_their_whole_path_have_not_changed(
    copy: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = tmp_path / "catalogs" / "c.csv"
    catalog.parent.mkdir()
    files = [copy / f"sim{number:06d}.fits" for number in range(20)]
    relative = [f"../survey/{file.name}" for file in files[10:]]
    names = [*map(str, files[:10]), *relative]
    catalog.write_text("file\n" + "\n".join(names) + "\n")
    summary = extract(catalog, tmp_path / "F.parquet", features=["color"])
    assert summary.done + summary.failed == 20
    assert "changed while" not in caplog.text


def test_a_clock_that_is_set_back_changes_nothing(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "F.parquet", tmp_path / "whole.parquet"
    for number, path in enumerate(sorted(copy.glob("*.fits"))):  # some are of the future
        os.utime(path, ns=(0, int((time.time() + HOUR * (number % 3 - 1)) * 1e9)))
    extract(copy, whole, features=["color"])
    now, wall, steps = time.time(), time.time, []

    def back() -> float:
        steps.append(1)
        return now - HOUR * len(steps)

    def interrupt(done: int, _total: int, _failed: int) -> None:
        if done >= 40:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "time", back)
    with pytest.raises(KeyboardInterrupt):
        extract(copy, out, features=["color"], progress=interrupt)
    work_folder = tmp_path / "F.parquet.work"
    for path in work_folder.rglob("*"):  # as if the run before had been made tomorrow
        os.utime(path, (now + 24 * HOUR, now + 24 * HOUR))
    extract(copy, out, features=["color"])
    monkeypatch.setattr(time, "time", wall)
    assert out.read_bytes() == whole.read_bytes()
    (copy / "sim000010.fits").write_bytes(b"")
    extract(copy, out, features=["color"])
    assert extract(copy, out, features=["color"], options=Options(retry_failed=True)).failed == 1


@pytest.mark.parametrize("characters", ["n", "\u00e9", "\U0001f30c"])
def test_names_of_255_bytes_are_read(characters: str, survey: Path, tmp_path: Path) -> None:
    size = len(characters.encode())
    stem = "x" * (250 % size) + characters * (250 // size)
    folder = tmp_path / "survey"
    folder.mkdir()
    shutil.copy(survey / "sim000000.fits", folder / f"{stem}.fits")
    assert len(os.fsencode(f"{stem}.fits")) == 255
    out = tmp_path / "F.parquet"
    assert extract(folder, out, features=["color"]).done == 1
    assert read_cutouts(folder).ids == (stem,)


@pytest.mark.parametrize(("size", "fits"), [(250, True), (251, False), (255, False)])
def test_long_names_of_outputs_are_taken_as_far_as_the_work_folders_goes(
    size: int, fits: bool, survey: Path, tmp_path: Path
) -> None:
    out = tmp_path / ("F" * (size - len(".parquet")) + ".parquet")
    if fits:
        assert extract(survey, out, features=["color"]).done == 90
        assert len(list(tmp_path.iterdir())) == 2
        return
    with pytest.raises(UsageError, match=r"would have 2\d\d bytes, and disks take 255"):
        extract(survey, out, features=["color"])
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_leaves_no_room_for_the_list_of_failures(survey: Path, tmp_path: Path) -> None:
    from galfeat.pipeline.batch.run import _check_names

    _check_names(tmp_path / ("F" * 242 + ".csv"))
    with pytest.raises(UsageError, match=r"failures\.csv' beside it would have 256 bytes"):
        _check_names(tmp_path / ("F" * 243 + ".csv"))
    assert survey.is_dir()
