"""A bug that one galaxy meets costs that galaxy; one that many meet ends the run."""

import csv
import errno
import logging
from collections.abc import Callable
from importlib import import_module, util
from pathlib import Path
from typing import Any

import pytest

from galfeat import UsageError
from galfeat.data import Failure, Preparation, Reading, Shard, open_source
from galfeat.pipeline import extract, load_features
from galfeat.pipeline.batch.unforeseen import UnforeseenLimit, read_each

Run = Callable[..., int]


def failures(out: Path) -> list[dict[str, str]]:
    with out.with_name("F.failures.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param({"processes": True}, marks=pytest.mark.slow),
        pytest.param({"cluster": "local", "workers": 1}, marks=pytest.mark.slow),
    ],
    ids=["threads", "processes", "cluster"],
)
def test_a_bug_that_two_galaxies_meet_costs_these_two(
    options: dict[str, Any], survey: Path, tmp_path: Path, server: Run
) -> None:
    if "cluster" in options and util.find_spec("distributed") is None:
        pytest.skip("Dask is not installed: pip install 'galfeat[dask]'")
    out = tmp_path / "F.parquet"
    poison = {"rows": [21], "how": "bug", "ids": ["sim000040"]}
    assert server(survey, out, poison=poison, options=options) == 0
    found = failures(out)
    assert [(line["id"], line["stage"]) for line in found] == [
        ("sim000021", "read"),
        ("sim000040", "prepare"),
    ]
    for line, place in zip(found, ["poisoned.py", "data/"], strict=True):
        assert line["reason"].startswith(f"unforeseen ZeroDivisionError in {place}")
        assert ": by a bug; please report it" in line["reason"]
    expected = [f"sim{row:06d}" for row in range(90) if row not in (21, 40)]
    assert load_features(out).ids.tolist() == expected


@pytest.mark.parametrize("ids", [False, True], ids=["read", "measured"])
@pytest.mark.parametrize(
    "options",
    [{}, pytest.param({"processes": True}, marks=pytest.mark.slow)],
    ids=["threads", "processes"],
)
def test_a_bug_that_all_galaxies_meet_ends_the_run(
    options: dict[str, Any], ids: bool, survey: Path, tmp_path: Path, server: Run
) -> None:
    out = tmp_path / "F.parquet"
    poison = {
        "rows": [] if ids else list(range(90)),
        "how": "bug",
        "ids": [f"sim{row:06d}" for row in range(90)] if ids else [],
    }
    assert server(survey, out, poison=poison, options=options) == 2
    said = (tmp_path / "note.said").read_text()
    assert "galaxies failed with the same unforeseen ZeroDivisionError: that is a bug" in said
    assert not out.exists()


def test_the_traceback_goes_to_the_log(
    survey: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    source = import_module("poisoned").Poisoned(open_source(survey), [3], "bug")
    with caplog.at_level(logging.DEBUG, "galfeat"):
        done = extract(
            source,
            tmp_path / "F.parquet",
            features=["color"],
            preparation=Preparation(size=32),
        )
    assert (done.done, done.failed) == (89, 1)
    [record] = [each for each in caplog.records if each.levelno == logging.DEBUG]
    assert "Traceback" in record.getMessage()
    assert 'raise ZeroDivisionError("by a bug")' in record.getMessage()


class Broken:
    """A source whose reading raises."""

    catalog = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, shard: Shard) -> Reading:  # noqa: ARG002
        raise self.error


@pytest.mark.parametrize(
    "error", [MemoryError(), UsageError("no"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()]
)
def test_what_is_not_about_a_cutout_is_raised(error: Any) -> None:
    with pytest.raises(type(error)):
        read_each(Broken(error), Shard(0, 2))  # type: ignore[arg-type]


def test_a_damaged_disk_under_a_cutout_is_its_failure() -> None:
    reading = read_each(Broken(OSError(errno.EIO, "bad")), Shard(0, 2))  # type: ignore[arg-type]
    assert [failure.row for failure in reading.failures] == [0, 1]
    assert "unforeseen OSError" in reading.failures[0].reason


@pytest.mark.parametrize(("count", "galaxies", "ends"), [(20, 20, 0), (21, 210, 0), (21, 209, 1)])
def test_the_share_that_ends_a_run(count: int, galaxies: int, ends: bool) -> None:
    limit = UnforeseenLimit()
    reason = "unforeseen KeyError in features/hog.py, line 3 (describe): 'x'; please report it"
    limit.add([Failure("a", "a.fits", "extract", reason)] * count)
    limit.add([Failure("a", "a.fits", "read", "is empty (0 bytes)")] * 50)
    if not ends:
        limit.check(galaxies)
        return
    with pytest.raises(UsageError, match=r"21 of the first 209 galaxies .* unforeseen KeyError"):
        limit.check(galaxies)
