"""Feature tables that were measured alike are one; others are refused with what differs."""

from pathlib import Path

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey
from galfeat.pipeline import extract, join_features, load_features
from galfeat.pipeline.settings_diff import differences


class Other(SimulatedSurvey):
    """The same survey under other names."""

    @property
    def catalog(self):  # type: ignore[no-untyped-def]
        table = super().catalog
        return table.set_column(
            table.schema.get_field_index("id"), "id", [[f"other{i}" for i in range(len(self))]]
        )

    def read(self, shard):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        reading = super().read(shard)
        return replace(
            reading, cutouts=[replace(each, id=f"other{each.row}") for each in reading.cutouts]
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with tables of two surveys, and of one of them with other settings."""
    folder = tmp_path_factory.mktemp("tables")
    small, tiny = Preparation(size=32), Preparation(size=24)
    extract(
        SimulatedSurvey(12, size=32),
        folder / "A.parquet",
        features=["color", "sift"],
        preparation=small,
    )
    extract(
        Other(9, size=32, seed=1),
        folder / "B.parquet",
        features=["color", "sift"],
        preparation=small,
    )
    extract(
        Other(9, size=32, seed=1),
        folder / "size.parquet",
        features=["color", "sift"],
        preparation=tiny,
    )
    extract(
        Other(9, size=32, seed=1),
        folder / "bins.parquet",
        features=["color", "sift"],
        preparation=small,
        settings={"color": {"bins": 16}},
    )
    return folder


def test_two_tables_are_one(folder: Path) -> None:
    one, other = (load_features(folder / name) for name in ("A.parquet", "B.parquet"))
    joined = join_features([folder / "A.parquet", folder / "B.parquet"])
    assert joined.ids.tolist() == one.ids.tolist() + other.ids.tolist()
    assert joined.labels.tolist() == one.labels.tolist() + other.labels.tolist()
    np.testing.assert_array_equal(
        joined.blocks["color"], np.vstack([one.blocks["color"], other.blocks["color"]])
    )
    assert [len(each) for each in joined.blocks["sift"]] == [
        len(each) for table in (one, other) for each in table.blocks["sift"]
    ]
    assert joined.recipe.fingerprint == one.recipe.fingerprint


@pytest.mark.parametrize(
    ("other", "said"),
    [("size", "preparation.size: 32 and 24"), ("bins", "extractors.color.bins: 32 and 16")],
)
def test_tables_measured_differently_are_refused(folder: Path, other: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        join_features([folder / "A.parquet", folder / f"{other}.parquet"])


def test_what_is_not_read_may_differ(folder: Path) -> None:
    assert len(join_features([folder / "A.parquet", folder / "bins.parquet"], ["sift"])) == 21


def test_a_repeated_galaxy_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"is in .*A\.parquet and in .*A\.parquet"):
        join_features([folder / "A.parquet", folder / "A.parquet"])


def test_differences_have_names() -> None:
    one = {"a": {"b": 1, "c": None}, "d": [1, 2]}
    assert differences(one, one) == []
    assert differences(one, {"a": {"b": 2}, "d": (1, 2), "e": {"f": 1}}) == [
        "a.b: 1 and 2",
        "a.c: None and nothing",
        "d: [1, 2] and (1, 2)",
        "e: nothing and something",
    ]
