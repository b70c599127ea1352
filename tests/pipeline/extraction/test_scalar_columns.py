"""Named quantities as columns: their numbers, gaps and flags, and what other readers find."""

import io
import warnings
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning

from galfeat import UsageError
from galfeat.data import Preparation, read_cutouts
from galfeat.features import Shape
from galfeat.features.scalars import Scalar, ScalarTable, unmeasured
from galfeat.pipeline import export, extract, join_features, load_features
from galfeat.pipeline.extraction.feature_table import table_schema
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.scalar_columns import scalar_arrays, scalar_vectors

BANDS = ("F606W", "F814W", "F160W")
RADIUS = "shape_detection_r_petro_circ"
SCALARS = (
    Scalar("size", "pix", "phys.angSize", "a size"),
    Scalar("place", "deg", "pos", "a place", False),
    Scalar("flags", "", "meta.code", "1 odd", False, False),
)


def read_astropy(path: Path) -> Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # it guesses the length of texts
        return Table.read(path)


@pytest.fixture(scope="module")
def faint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the table of one galaxy and one image of noise."""
    folder = tmp_path_factory.mktemp("faint")
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:48, :48] - 23.5
    light = 300 * np.exp(-np.hypot(x, y) / 4)
    for name, image in {"bright": light, "dark": 0 * light}.items():
        noisy = (image + rng.normal(size=image.shape)).astype(np.float32)
        fits.PrimaryHDU(noisy).writeto(folder / f"{name}.fits")
    out = folder / "out" / "F.parquet"
    out.parent.mkdir()
    assert extract(folder, out, features=["shape"], preparation=Preparation(size=48)).done == 2
    return out


def test_the_columns_are_what_the_extractor_measures(table: Path, survey: Path) -> None:
    cutouts = read_cutouts(survey, preparation=Preparation(size=32))
    found = Shape().measure_scalars(cutouts.pixels, bands=cutouts.bands)
    rows = pq.read_table(table)
    for each in found.scalars:
        column = rows.column(f"shape_{each.name}")
        there = np.ma.getmaskarray(found.column(each.name))
        assert column.is_null().to_pylist() == there.tolist(), each.name
        expected = found.column(each.name).data[~there].astype(np.float32)
        got = column.drop_null().to_numpy().astype(np.float32)
        np.testing.assert_array_equal(got, expected, err_msg=each.name)
    vectors = load_features(table, ["shape"])
    np.testing.assert_array_equal(vectors.blocks["shape"], scalar_vectors(found))
    assert vectors.columns["shape"] == [each.name for each in found.scalars if each.feature]
    assert vectors.scalars["shape"].column_names == [f"shape_{name}" for name in found.names]


def test_what_cannot_be_measured_is_null_with_its_flag(faint: Path) -> None:
    rows = pq.read_table(faint).to_pylist()
    galaxy, noise = sorted(rows, key=lambda row: str(row["id"]))
    (band,) = {name.split("_")[1] for name in galaxy if name.startswith("shape_")}
    assert galaxy[f"shape_{band}_quality"] == 0
    assert galaxy[f"shape_{band}_gini"] > 0.3
    assert noise[f"shape_{band}_quality"] == 2
    assert noise[f"shape_{band}_flags"] & 1, "no source stands out"
    assert noise[f"shape_{band}_gini"] is None
    assert not any(value != value for value in noise.values()), "no NaN"


def test_every_reader_finds_the_numbers_and_the_gaps(faint: Path) -> None:
    schema = pq.read_schema(faint)
    name = next(each for each in schema.names if each.endswith("_gini"))
    by_arrow = pq.read_table(faint, columns=[name]).column(name).to_pylist()
    by_pandas = pd.read_parquet(faint)[name]
    by_polars = pl.read_parquet(faint)[name].to_list()
    by_duckdb = [
        row for (row,) in duckdb.connect().execute(f"select {name} from '{faint}'").fetchall()
    ]
    by_astropy = np.asarray(read_astropy(faint)[name])
    assert by_polars == by_duckdb == by_arrow
    assert by_arrow.count(None) == 1
    gaps = [value is None for value in by_arrow]
    assert by_pandas.isna().tolist() == np.isnan(by_astropy).tolist() == gaps


def test_astropy_reads_the_whole_table_with_units(table: Path) -> None:
    found = read_astropy(table)
    assert found.colnames == pq.read_schema(table).names
    assert found[RADIUS].unit == units.pix
    assert found["shape_detection_orientation"].unit == units.rad
    assert "Petrosian radius" in found[RADIUS].description
    features = load_features(table)
    np.testing.assert_array_equal(np.asarray(found["hog"]), features.blocks["hog"])
    for theirs, ours in zip(found["sift"], features.blocks["sift"], strict=True):
        np.testing.assert_array_equal(np.asarray(theirs).reshape(-1, 128), ours)


def test_the_votable_in_the_metadata_describes_every_column(table: Path) -> None:
    schema = pq.read_schema(table)
    assert schema.metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    content = schema.metadata[b"IVOA.VOTable-Parquet.content"]
    fields = parse(io.BytesIO(content)).get_first_table().fields
    assert [each.name for each in fields] == schema.names
    by_name = {each.name: each for each in fields}
    assert by_name[RADIUS].unit == units.pix
    assert (by_name["hog"].datatype, by_name["hog"].arraysize) == (
        "float",
        str(schema.field("hog").type.list_size),
    )
    assert (by_name["sift"].datatype, by_name["sift"].arraysize) == ("unsignedByte", "*")
    assert by_name["shape_detection_flags"].datatype == "int"
    assert by_name["id"].datatype == "char"


def test_fits_has_units_too(table: Path, tmp_path: Path) -> None:
    export(table, tmp_path / "F.fits")
    found = Table.read(tmp_path / "F.fits", hdu="FEATURES")
    assert found[RADIUS].unit == units.pix
    header = fits.getheader(tmp_path / "F.fits", "FEATURES")
    place = found.colnames.index(RADIUS) + 1
    assert (header[f"TTYPE{place}"], header[f"TUNIT{place}"]) == (RADIUS, "pix")
    assert "Petrosian radius" in header[f"TCOMM{place}"]
    rows = pq.read_table(table, columns=[RADIUS]).column(RADIUS)
    np.testing.assert_array_equal(
        np.ma.getmaskarray(found[RADIUS]) | np.isnan(np.ma.filled(found[RADIUS], np.nan)),
        rows.is_null().to_numpy(),
    )


def test_tables_are_joined_with_their_quantities(faint: Path, tmp_path: Path) -> None:
    whole = pq.read_table(faint)
    for number in range(2):
        pq.write_table(whole.slice(number, 1), tmp_path / f"{number}.parquet")
    joined = join_features([tmp_path / "0.parquet", tmp_path / "1.parquet"])
    once = load_features(faint)
    assert joined.scalars["shape"].to_pylist() == once.scalars["shape"].to_pylist()
    np.testing.assert_array_equal(joined.blocks["shape"], once.blocks["shape"])


def test_a_catalog_column_may_not_be_called_like_a_quantity() -> None:
    recipe = Recipe.of(["shape"], BANDS, Preparation(size=32))
    table_schema(pa.table({"id": ["a"], "shape_of_mine": [1]}), recipe)
    with pytest.raises(UsageError, match=r"'shape_F814W_gini'.*rename"):
        table_schema(pa.table({"id": ["a"], "shape_F814W_gini": [0.5]}), recipe)


def made(values: Any) -> ScalarTable:
    return ScalarTable(
        SCALARS, unmeasured(np.array(values, dtype=float)), None, ((),) * len(values)
    )


def test_quantities_by_hand() -> None:
    found = made([[1.5, 30.0, 2.0], [np.nan, 10.0, 0.0], [1e300, np.nan, 1.0]])
    size, place, flags = scalar_arrays(found)
    assert size.to_pylist() == [1.5, None, None], "what float32 cannot hold is not measured"
    assert place.to_pylist() == [30.0, 10.0, None]
    assert (flags.to_pylist(), str(flags.type)) == ([2, 0, 1], "int32")
    vectors = scalar_vectors(found)
    assert vectors.shape == (3, 1)
    assert np.isnan(vectors[:, 0]).tolist() == [False, True, True]
