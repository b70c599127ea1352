"""Crash safety: a run killed at any moment and resumed gives the bytes of an undisturbed run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

MOMENTS = [  # step and its count, of a run of six shards
    ("before rename of record", 1),
    ("after rename of record", 1),
    ("before begin in the journal", 1),
    ("before reading", 3),
    ("after writing a shard", 1),
    ("before sync of shard", 1),
    ("after sync of shard", 2),
    ("before rename of shard", 1),
    ("after rename of shard", 1),
    ("after end in the journal", 5),
    ("after rename of shard", 6),
    ("before the end of the threads", 1),
    ("after writing failures", 1),
    ("before rename of failures", 1),
    ("after rename of failures", 1),
    ("before copying a shard", 1),
    ("after copying a shard", 6),
    ("before sync of table", 1),
    ("before rename of table", 1),
    ("after rename of table", 1),
    ("before clearing up", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("at", "number"), MOMENTS, ids=lambda value: str(value).replace(" ", "-"))
def test_the_same_command_gives_the_same_bytes(
    at: str,
    number: int,
    damaged: Path,
    tmp_path: Path,
    server: Callable[..., int],
    undisturbed: tuple[bytes, bytes],
) -> None:
    out = tmp_path / "F.parquet"
    out.write_bytes(b"an earlier table")
    assert server(damaged, out, at=at, number=number) == -9
    # the run ended at that moment:
    assert json.loads((tmp_path / "note.json").read_text())["at"] == f"{at} {number}"
    assert (tmp_path / "F.parquet.work").is_dir()
    replaced = at in ("after rename of table", "before clearing up")
    assert out.read_bytes() == (undisturbed[0] if replaced else b"an earlier table")
    assert server(damaged, out) == 0
    assert out.read_bytes() == undisturbed[0]
    assert (tmp_path / "F.failures.csv").read_bytes() == undisturbed[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "F.failures.csv",
        "F.parquet",
        "note.json",
    ]


@pytest.mark.slow
def test_finished_shards_are_not_measured_again(
    survey: Path, tmp_path: Path, server: Callable[..., int]
) -> None:
    out = tmp_path / "F.parquet"
    assert server(survey, out, at="after rename of shard", number=4) == -9
    kept = {
        path: path.stat().st_mtime_ns for path in (tmp_path / "F.parquet.work").rglob("*.parquet")
    }
    assert len(kept) == 4
    assert server(survey, out, at="before copying a shard", number=1) == -9
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
