"""Galaxies that take no part are counted with their reason."""

import numpy as np
import pyarrow as pa
import pytest

from galfeat import UsageError
from galfeat.data import Failure
from galfeat.pipeline.comparison.loading.measured_galaxies import MeasuredGalaxies
from galfeat.pipeline.comparison.loading.select_galaxies import select_external, select_galaxies


def galaxies(labels: list[str], seed: int = 0, **columns: list[str]) -> MeasuredGalaxies:
    n = len(labels)
    rng = np.random.default_rng(seed)
    catalog = pa.table({"id": [f"{seed}-{i}" for i in range(n)], "label": labels, **columns})
    blocks = {
        "pixels": rng.normal(size=(n, 16)).astype(np.float32),
        "color": rng.normal(size=(n, 3)).astype(np.float32),
    }
    return MeasuredGalaxies(catalog, np.array(labels), dict(blocks), [])


def test_unlabeled_rare_broken_and_failed_galaxies_are_left_out_and_counted() -> None:
    found = galaxies(["a", "b", "a", "b", "a", "b", "", "c"])
    np.asarray(found.blocks["color"])[0, 1] = np.nan
    found.failures.append(Failure("x", "x.fits", "read", "is empty"))
    kept, counts = select_galaxies(found, "label", 2)
    assert kept.ids.tolist() == ["0-1", "0-2", "0-3", "0-4", "0-5"]
    assert counts == {
        "without a label": 1,
        "of classes with fewer galaxies than the 2 folds (c)": 1,
        "with features that are not finite": 1,
        "that could not be measured (report.failures.csv says why)": 1,
    }


def test_one_class_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="two are needed"):
        select_galaxies(galaxies(["a", "a", "a", "b"]), "label", 2)


def test_galaxies_of_the_other_source_must_be_new_and_of_known_classes() -> None:
    here = galaxies(["a", "b", "a"], ra=["10", "20", "30"], dec=["0", "0", "0"])
    other = galaxies(
        ["a", "b", "z", "", "b"],
        seed=1,
        ra=["10.0001", "50", "60", "70", "80"],
        dec=["0", "0", "0", "0", "0"],
    )
    np.asarray(other.blocks["pixels"])[4] = np.asarray(here.blocks["pixels"])[2]
    kept, counts = select_external(other, here, ["a", "b"], "label")
    assert kept.ids.tolist() == ["1-1"]
    assert counts == {
        "of the other source without a label": 1,
        "of the other source of classes that are not trained on (z)": 1,
        "of the other source that are among the training galaxies (the same position or image)": 2,
    }


def test_groups_and_their_notes() -> None:
    found = galaxies(
        ["a"] * 5,
        ra=["10", "10.0001", "nan", "", "40"],
        dec=["0"] * 5,
        group=["", "", "f1", "f1", "f2"],
    )
    np.asarray(found.blocks["pixels"])[4] = np.asarray(found.blocks["pixels"])[0]
    groups, notes = found.groups()
    assert groups.tolist() == [0, 0, 1, 1, 0]
    assert notes[0].startswith("2 entries repeat a galaxy that is in the catalog already")
    assert "column 'group'" in notes[1]
