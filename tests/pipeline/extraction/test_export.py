"""Feature tables for other tools."""

import csv
import io
import json
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.utils.exceptions import AstropyUserWarning

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey, write_survey
from galfeat.pipeline import export, extract, load_features
from galfeat.pipeline.extraction import export as exporting
from galfeat.pipeline.extraction.feature_table import read_metadata
from galfeat.pipeline.extraction.fits_table import fits_columns, write_table


@pytest.fixture(params=["at once", "row by row"])
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make exporting read the 90 rows at once, or one by one."""
    if request.param != "at once":
        monkeypatch.setattr(exporting, "_BATCH_VALUES", 1)


@pytest.mark.usefixtures("batches")
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
        header = hdus["FEATURES"].header
        assert header["GFPRINT"] == features.recipe.fingerprint
        assert json.loads(header["GFSET"]) == {
            key: value for key, value in read_metadata(table).items() if key != "columns"
        }


def test_pixels_are_images_in_fits(table: Path, tmp_path: Path) -> None:
    export(table, tmp_path / "F.fits")
    pixels = np.asarray(load_features(table, ["pixels"]).blocks["pixels"])
    with fits.open(tmp_path / "F.fits") as hdus:
        place = hdus[1].columns.names.index("pixels") + 1
        assert hdus[1].header[f"TDIM{place}"] == "(32,32,3)"
        np.testing.assert_array_equal(hdus[1].data["pixels"], pixels.reshape(-1, 3, 32, 32))


def test_fits_says_what_each_element_is(table: Path, tmp_path: Path) -> None:
    export(table, tmp_path / "F.fits")
    columns = load_features(table).columns
    del columns["shape"]  # its quantities are columns of their own
    names = Table.read(tmp_path / "F.fits", hdu="FEATURE_NAMES")
    assert {
        name: [str(row["NAME"]) for row in names[names["COLUMN"] == name]] for name in columns
    } == columns
    assert list(names["ELEMENT"][names["COLUMN"] == "hog"][:3]) == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.usefixtures("batches")
def test_csv_holds_one_column_a_feature(table: Path, tmp_path: Path) -> None:
    export(table, tmp_path / "F.csv")
    features = load_features(table)
    with (tmp_path / "F.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 90
    name = features.columns["hog"][17]
    assert [np.float32(row[f"hog__{name}"]) for row in rows] == np.asarray(features.blocks["hog"])[
        :, 17
    ].tolist()
    assert [int(row["sift_keypoints"]) for row in rows] == [
        len(each) for each in features.blocks["sift"]
    ]


def test_every_type_of_a_catalog_survives(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "id": ["a", "Ångström", None],
            "objid": pa.array([1237648720693755918, None, -5], pa.int64()),
            "small": pa.array([1, 2, None], pa.uint8()),
            "huge": pa.array([2**64 - 1, 1, 2], pa.uint64()),
            "mag": pa.array([1.5, None, 3.0], pa.float32()),
            "seen": pa.array([True, False, None]),
        },
        schema=pa.schema(
            [
                ("id", pa.string()),
                ("objid", pa.int64()),
                ("small", pa.uint8()),
                ("huge", pa.uint64()),
                pa.field("mag", pa.float32(), metadata={"unit": "mag"}),
                ("seen", pa.bool_()),
            ]
        ),
    )
    fields, count, heap = fits_columns(
        rows.schema,
        lambda columns: iter(rows.select(columns or rows.column_names).to_batches(2)),
        {},
    )
    assert (count, heap) == (3, 0)
    header = fits.BinTableHDU.from_columns(
        [exporting._column(fits, field) for field in fields], nrows=0
    ).header
    header["NAXIS2"] = count
    stream = io.BytesIO()
    stream.write(fits.PrimaryHDU().header.tostring().encode())
    write_table(
        stream,
        header,
        fields,
        lambda columns: iter(rows.select(columns or rows.column_names).to_batches(2)),
    )
    (tmp_path / "F.fits").write_bytes(stream.getvalue())
    with warnings.catch_warnings():
        # not every astropy warns of the logical that is not known
        warnings.filterwarnings("ignore", ".*NULL", AstropyUserWarning)
        read = Table.read(tmp_path / "F.fits")
    assert [str(value) for value in read["id"].filled("")] == ["a", r"\xc5ngstr\xf6m", ""]
    assert read["objid"].tolist() == [1237648720693755918, None, -5]
    assert read["small"].tolist() == [1, 2, None]
    assert [str(value) for value in read["huge"]] == ["18446744073709551615", "1", "2"]
    assert read["mag"].tolist() == [1.5, None, 3.0]
    assert str(read["mag"].unit) == "mag"
    with fits.open(tmp_path / "F.fits", logical_as_bytes=True) as hdus:
        assert hdus[1].data["seen"].tolist() == [b"T", b"F", b""]  # the last one is not known


def test_names_that_fits_cannot_write_stay_apart(tmp_path: Path) -> None:
    survey = tmp_path / "survey"
    write_survey(SimulatedSurvey(2, size=32), survey)
    (survey / "catalog.csv").write_text(
        "id,file,größe\nä,sim000000.fits,1\nü,sim000001.fits,2\n", encoding="utf-8"
    )
    extract(survey, tmp_path / "F.parquet", features=["color"], preparation=Preparation(size=32))
    export(tmp_path / "F.parquet", tmp_path / "F.fits")
    rows = Table.read(tmp_path / "F.fits", hdu="FEATURES")
    assert [str(value) for value in rows["id"]] == [r"\xe4", r"\xfc"]
    assert rows["gr_xf6_xdfe"].tolist() == [1, 2]


def test_another_ending_is_refused(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.fits or \.csv"):
        export(table, tmp_path / "F.txt")


def test_a_damaged_table_leaves_nothing_behind(table: Path, tmp_path: Path) -> None:
    broken = tmp_path / "B.parquet"
    content = bytearray(table.read_bytes())
    middle = pq.ParquetFile(table).metadata.row_group(0).column(4).data_page_offset
    content[middle : middle + 400] = bytes(400)
    broken.write_bytes(content)
    for name in ("F.fits", "F.csv"):
        with pytest.raises(UsageError, match="damaged"):
            export(broken, tmp_path / name)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["B.parquet"]
