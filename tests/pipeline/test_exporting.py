"""Feature tables for other tools."""

import csv
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galfeat import UsageError
from galfeat.pipeline import export, load_features


def test_fits_holds_vector_columns(table: Path, tmp_path: Path) -> None:
    export(table, tmp_path / "F.fits")
    features = load_features(table)
    with fits.open(tmp_path / "F.fits") as hdus:
        hdus.verify("exception")
        rows = hdus["FEATURES"].data
        assert [str(value) for value in rows["id"]] == features.ids.tolist()
        assert [str(value) for value in rows["label"]] == features.labels.tolist()
        np.testing.assert_array_equal(rows["hog"], features.blocks["hog"])
        for got, want in zip(rows["sift"], features.blocks["sift"], strict=True):
            np.testing.assert_array_equal(got.reshape(-1, 128), want)
        assert hdus["FEATURES"].header["GFPRINT"] == features.recipe.fingerprint


def test_csv_holds_one_column_a_feature(table: Path, tmp_path: Path) -> None:
    export(table, tmp_path / "F.csv")
    features = load_features(table)
    with (tmp_path / "F.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 90
    name = features.columns["hog"][17]
    assert [np.float32(row[f"hog__{name}"]) for row in rows] == np.asarray(features.blocks["hog"])[:, 17].tolist()
    assert [int(row["sift_keypoints"]) for row in rows] == [len(each) for each in features.blocks["sift"]]


def test_another_ending_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.fits or \.csv"):
        export(table, tmp_path / "F.txt")
