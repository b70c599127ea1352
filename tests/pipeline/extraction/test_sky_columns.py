"""The columns of the sky's noise: values, units, and that they are no features."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from galfeat import UsageError
from galfeat.data import Preparation, open_source
from galfeat.pipeline import extract, load_features
from galfeat.pipeline.extraction.feature_table import read_metadata
from galfeat.pipeline.extraction.join import join_features
from galfeat.pipeline.extraction.recipe import FEATURE_VERSION, Recipe

CROPPED = Preparation(size=64, fit="crop")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write twenty disks: in band G on independent noise of 3 units, in R on noise of 2 of which
    pixels side by side in a row share half.
    """
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] - 31.5
    disk = 60 * np.exp(-np.hypot(y, 1.5 * x) / 5)
    for number in range(20):
        white = rng.normal(0, 1, (2, 64, 65))
        noise = [3 * white[0, :, 1:], 2 * (white[1, :, 1:] + white[1, :, :-1]) / 2**0.5]
        bands = [
            fits.ImageHDU((100 + disk + image).astype(np.float32), name=band)
            for band, image in zip("GR", noise, strict=True)
        ]
        for band in bands:
            band.header["BUNIT"] = "nanomaggies"
        fits.HDUList([fits.PrimaryHDU(), *bands]).writeto(folder / f"galaxy{number}.fits")
    return folder


@pytest.fixture(scope="module")
def table(folder: Path) -> Path:
    out = folder.parent / "noise.parquet"
    extract(
        open_source(folder, layout="bands"),
        out,
        features=["color", "hog"],
        preparation=CROPPED,
        workers=1,
    )
    return out


def test_level_and_correlation_are_recorded_for_each_galaxy(table: Path) -> None:
    noise = load_features(table).scalars["sky"]
    assert noise.num_rows == 20
    columns = {name: noise.column(name).to_numpy() for name in noise.column_names}
    expected = {"G": (3, 0, 0), "R": (2, 0.5, 0)}
    for band, numbers in expected.items():
        for name, number in zip(("sigma", "rho_x", "rho_y"), numbers, strict=True):
            found = columns.pop(f"sky_{band}_{name}")
            assert np.median(found) == pytest.approx(number, rel=0.03, abs=0.04)
            assert found.std() < 0.15 * max(number, 1)
    assert not columns


def test_columns_have_units_and_say_what_they_are(table: Path) -> None:
    schema = pq.read_schema(table)
    words = {name: schema.field(f"sky_G_{name}").metadata for name in ("sigma", "rho_x")}
    assert words["sigma"][b"unit"] == b"nmgy"
    assert b"unit" not in words["rho_x"]
    assert b"unit of its light in all features" in words["sigma"][b"description"]
    assert b"of a row" in words["rho_x"][b"description"]
    assert words["rho_x"][b"ucd"] == b"stat.correlation"
    assert read_metadata(table)["light"].startswith("asinh(flux / sky_BAND_sigma)")


def test_they_are_no_features(table: Path) -> None:
    features = load_features(table)
    assert set(features.blocks) == {"color", "hog"}
    assert not any("sky" in name for names in features.columns.values() for name in names)
    assert "sky_G_sigma" not in features.catalog.column_names
    one = load_features(table, ["hog"])
    assert one.scalars["sky"].equals(features.scalars["sky"])
    assert Recipe.from_settings(json.loads(pq.read_schema(table).metadata[b"galfeat"])).scalars


def test_joined_tables_keep_them(folder: Path, table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.glob("galaxy1.fits"):
        (other / path.name.replace("galaxy", "twin")).write_bytes(path.read_bytes())
    source = open_source(other, layout="bands")
    extract(source, tmp_path / "F.parquet", features=["color", "hog"], preparation=CROPPED)
    joined = join_features([table, tmp_path / "F.parquet"])
    sigma = joined.scalars["sky"].column("sky_G_sigma").to_pylist()
    assert sigma[-1] == sigma[joined.ids.tolist().index("galaxy1")]


def test_photon_counts_have_a_level_but_no_correlation(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(0.2, (64, 64)).astype(np.float32)
    fits.PrimaryHDU(counts).writeto(tmp_path / "a.fits")
    extract(tmp_path, tmp_path / "F.parquet", features=["color"], preparation=CROPPED)
    (row,) = load_features(tmp_path / "F.parquet").scalars["sky"].to_pylist()
    sigma, *rho = row.values()
    assert sigma == pytest.approx(0.2**0.5, rel=0.1)
    assert rho == [None, None]


def test_tables_of_the_former_unit_are_refused(table: Path) -> None:
    settings = json.loads(pq.read_schema(table).metadata[b"galfeat"])
    with pytest.raises(
        UsageError, match=f"version 2, and this galfeat has version {FEATURE_VERSION}"
    ):
        Recipe.from_settings(settings | {"feature_version": 2})
