"""One door to folders, single files and pictures, from anywhere and in any order."""

import pickle
import shutil
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from tests.data.sources.source_files import catalog, flat, read, reasons, save, values

from galfeat import UsageError
from galfeat.data import Reading, Shard, open_source


def test_a_folder_is_its_files_in_order(tmp_path: Path) -> None:
    save(tmp_path / "b.fits", flat(2))
    save(tmp_path / "a" / "z.fits.gz", flat(1))
    save(tmp_path / "b_err.fits", flat(9))
    Image.fromarray(np.full((8, 6), 3, np.uint8)).save(tmp_path / "c.png")
    source = open_source(tmp_path)
    assert source.catalog.to_pydict() == {
        "id": ["a/z", "b", "c"],
        "file": ["a/z.fits.gz", "b.fits", "c.png"],
    }
    assert source.left_out == ("b_err.fits",)
    assert (len(source), source.bands) == (3, ("band1",))
    found = read(source)
    assert values(found) == {"a/z": [1], "b": [2], "c": [3]}
    assert [(cutout.file, cutout.row, cutout.named) for cutout in found.cutouts] == [
        ("a/z.fits.gz", 0, False),
        ("b.fits", 1, False),
        ("c.png", 2, False),
    ]


def test_bad_files_cost_nothing_but_themselves(tmp_path: Path) -> None:
    save(tmp_path / "good.fits", flat(1))
    (tmp_path / "empty.fits").touch()
    (tmp_path / "text.fits").write_text("not found")
    (tmp_path / "folder.fits").mkdir()
    (tmp_path / "half.fits").write_bytes((tmp_path / "good.fits").read_bytes()[:2900])
    source = open_source(tmp_path)
    (tmp_path / "gone.fits").touch()
    source = open_source(tmp_path)
    (tmp_path / "gone.fits").unlink()
    found = read(source)
    assert values(found) == {"good": [1]}
    assert reasons(found) == {
        "empty": "is empty (0 bytes)",
        "gone": "there is no such file",
        "half": "is truncated: its image should have 192 bytes and has 20",
        "text": "is not a FITS file: it is text that begins with 'not found'",
    }
    assert [(failure.file, failure.row) for failure in found.failures][:2] == [
        ("empty.fits", 0),
        ("gone.fits", 1),
    ]


def test_constant_and_bad_pixels_are_no_reason_not_to_be_read(tmp_path: Path) -> None:
    save(tmp_path / "nan.fits", flat(np.nan))
    assert len(read(open_source(tmp_path)).cutouts) == 1


@pytest.mark.parametrize(
    "name", ["catalog.csv", "catalog.ecsv", "catalog.fits", "catalog.vot", "catalog.parquet"]
)
def test_the_catalog_of_a_folder_says_what_is_in_it(tmp_path: Path, name: str) -> None:
    for value in (1, 2):
        save(tmp_path / "images" / f"{value}.fits", flat(value))
    columns = {
        "id": ["b", "a"],
        "file": ["images/2.fits", "images/1.fits"],
        "label": ["agn", "spiral"],
    }
    if name.endswith("parquet"):
        pyarrow.parquet.write_table(pa.table(columns), tmp_path / name)
    else:
        formats = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "fits": "fits", "vot": "votable"}
        Table(columns).write(tmp_path / name, format=formats[name.partition(".")[2]])
    source = open_source(tmp_path)
    assert source.catalog.to_pydict() == columns
    assert values(read(source)) == {"b": [2], "a": [1]}


def test_another_catalog_of_a_folder_starts_at_the_folder(tmp_path: Path) -> None:
    save(tmp_path / "images" / "1.fits", flat(1))
    other = catalog(tmp_path / "other.csv", "id,file\nx,1.fits\n")
    assert values(read(open_source(tmp_path / "images", catalog=other))) == {"x": [1]}


def test_a_file_of_many_galaxies_is_as_many_entries(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), flat(2, (5, 5)), flat(3))
    source = open_source(path)
    assert source.catalog.to_pydict() == {"id": ["a[0]", "a[1]", "a[2]"], "file": ["a.fits"] * 3}
    assert values(read(source)) == {"a[0]": [1], "a[1]": [2], "a[2]": [3]}
    assert values(source.read(Shard(1, 2))) == {"a[1]": [2]}


def test_the_same_file_in_a_folder_is_one_entry_of_many_cutouts(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", flat(1), flat(2))
    source = open_source(tmp_path)
    assert len(source) == 1
    assert values(read(source)) == {"a[0]": [1], "a[1]": [2]}


def test_layout_decides(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), flat(2), names="g r")
    assert values(read(open_source(path))) == {"a": [1, 2]}
    assert values(read(open_source(path, layout="galaxies"))) == {"a[0]": [1], "a[1]": [2]}
    assert reasons(read(open_source(path, layout="cube"))) == {
        "a": "holds no cube: its first image has 8 x 6 pixels"
    }
    with pytest.raises(UsageError, match="layout must be one of"):
        open_source(path, layout="rows")  # type: ignore[arg-type]


def test_a_catalog_of_a_file_goes_by_order_or_by_hdu(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), flat(2), flat(3))
    by_order = open_source(
        path, catalog=catalog(tmp_path / "c.csv", "id,label\nx,agn\ny,agn\nz,clump\n")
    )
    assert values(read(by_order)) == {"x": [1], "y": [2], "z": [3]}
    assert by_order.catalog.column("label").to_pylist() == ["agn", "agn", "clump"]
    by_hdu = open_source(path, catalog=catalog(tmp_path / "d.csv", "id,hdu\nx,3\ny,1\n"))
    assert values(read(by_hdu)) == {"x": [3], "y": [1]}
    nameless = open_source(path, catalog=catalog(tmp_path / "e.csv", "label\nagn\nagn\nclump\n"))
    assert values(read(nameless)) == {"a[0]": [1], "a[1]": [2], "a[2]": [3]}
    with pytest.raises(
        UsageError, match=r"has 2 rows for the 3 galaxies of a\.fits; a column 'hdu' can choose"
    ):
        open_source(path, catalog=catalog(tmp_path / "f.csv", "id\nx\ny\n"))


def test_a_file_that_changed_since_says_so(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), flat(2), flat(3))
    source = open_source(path)
    path.unlink()
    save(path, flat(1), flat(2))
    assert reasons(read(source)) == {
        "a[2]": "its file holds 2 galaxies now, and this is number 2, counted from 0"
    }


def test_a_truncated_file_of_galaxies_keeps_those_before(tmp_path: Path) -> None:
    path = save(tmp_path / "a.fits", flat(1), flat(2), flat(3))
    path.write_bytes(path.read_bytes()[:-2880])
    found = read(open_source(path))
    assert values(found) == {"a[0]": [1], "a[1]": [2]}
    assert reasons(found) == {
        "a[2]": "is truncated: its extension 3 should have 192 bytes and has 0"
    }


def test_a_broken_file_is_a_source_of_one_failure(tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(b"SIMPLE")
    source = open_source(tmp_path / "a.fits")
    assert (len(source), source.bands) == (1, ())
    assert reasons(read(source)) == {"a": "is not a FITS file: its first line is damaged"}


def test_a_picture_is_a_source(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(tmp_path / "a.jpg")
    source = open_source(tmp_path / "a.jpg")
    assert source.bands == ("red", "green", "blue")
    assert values(read(source)) == {"a": [0, 0, 0]}


def test_missing_sources_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file or folder"):
        open_source(tmp_path / "missing")
    with pytest.raises(UsageError, match="there is no FITS file or picture in this folder"):
        open_source(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UsageError, match="is neither a folder, a catalog"):
        open_source(tmp_path / "a.txt")
    with pytest.raises(UsageError, match="there is no such catalog"):
        open_source(tmp_path, catalog=tmp_path / "c.csv")
    with pytest.raises(UsageError, match="is a catalog itself"):
        open_source(catalog(tmp_path / "c.csv", "id,file\na,b\n"), catalog=tmp_path / "c.csv")


def test_a_fits_table_is_a_catalog_and_a_fits_image_with_a_table_is_an_image(
    tmp_path: Path,
) -> None:
    save(tmp_path / "a.fits", flat(1))
    Table({"id": ["x"], "file": ["a.fits"]}).write(tmp_path / "list.fits")
    assert values(read(open_source(tmp_path / "list.fits"))) == {"x": [1]}
    table = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1])])
    fits.HDUList([fits.PrimaryHDU(flat(2)), table]).writeto(tmp_path / "b.fits")
    assert values(read(open_source(tmp_path / "b.fits"))) == {"b": [2]}


def test_a_pickled_source_reads_from_another_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "here" / "a.fits", flat(1), flat(2))
    monkeypatch.chdir(tmp_path)
    source = open_source("here")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    sent = pickle.loads(pickle.dumps(source))
    assert values(read(sent)) == values(read(source)) == {"a[0]": [1], "a[1]": [2]}


def test_shards_in_any_size_and_order_give_the_same(tmp_path: Path) -> None:
    for value in range(7):
        save(tmp_path / f"{value}.fits", flat(value))
    source = open_source(tmp_path)
    expected = {str(value): [value] for value in range(7)}
    for size in (1, 3, 100):
        assert {
            key: value
            for shard in reversed(source.shards(size))
            for key, value in values(source.read(shard)).items()
        } == expected


@pytest.mark.slow
def test_threads_read_the_same_and_leave_the_filters_of_warnings_alone(tmp_path: Path) -> None:
    for value in range(12):
        hdu = fits.CompImageHDU(
            np.random.default_rng(value).normal(value, 1, (32, 32)).astype("f4"),
            quantize_method=1,
            dither_seed=value + 1,
        )
        hdu.header["DATE-OBS"] = "not a date"
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / f"{value:02}.fits")
    (tmp_path / "bad.fits").write_bytes((tmp_path / "00.fits").read_bytes()[:-3000])
    source = open_source(tmp_path)
    alone = read(source)
    before = list(warnings.filters)
    start = threading.Barrier(4)

    def all_of_it(_: int) -> Reading:
        start.wait()
        return read(source)

    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(all_of_it, range(4)):
            assert reasons(found) == reasons(alone)
            assert all(
                np.array_equal(one.pixels, other.pixels)
                for one, other in zip(found.cutouts, alone.cutouts, strict=True)
            )
    assert len(alone.cutouts) == 12
    assert warnings.filters == before


def test_a_simulated_survey_comes_back_in_every_layout(tmp_path: Path) -> None:
    from galfeat.data import SimulatedSurvey, write_survey

    survey = SimulatedSurvey(4, size=16, bands=("F606W", "F814W"), seed=3)
    truth = read(survey).cutouts
    for layout in ("cube", "mef", "files"):
        write_survey(survey, tmp_path / layout, layout)
        source = open_source(tmp_path / layout)
        assert source.bands == ("F606W", "F814W")
        for found, made in zip(read(source).cutouts, truth, strict=True):
            assert (found.id, found.bands, found.named) == (made.id, made.bands, True)
            assert np.array_equal(found.pixels, made.pixels)
        shutil.rmtree(tmp_path / layout)
