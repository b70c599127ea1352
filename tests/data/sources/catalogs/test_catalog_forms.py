"""Forms in which people write catalogs: comments, Windows paths, nested columns, a row a band."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from tests.data.sources.source_files import catalog, flat, read, save, values

from galfeat import CutoutError, UsageError
from galfeat.data import open_source, read_cutouts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(2):
        save(tmp_path / f"sub/g{number}.fits", flat(number))
    return tmp_path


@pytest.mark.parametrize(
    "head",
    [
        "# made by topcat\n# 2 rows\nid,file,note\n",
        "\ufeff# made by topcat\nid,file,note\n",
        "# id,file,note\n",
        "#id,file,note\n",
        "# units: none\n# id,file,note\n",
        'id,file,"no\nte"\n',
        "# a comment, with, commas\nid,file,note\n",
    ],
)
def test_comments_before_the_rows(folder: Path, head: str) -> None:
    text = head + "a,sub/g0.fits,#1\nb,sub/g1.fits,x\n"
    source = open_source(catalog(folder / "rows.csv", text))
    assert source.catalog.column_names[:2] == ["id", "file"]
    assert values(read(source)) == {"a": [0.0], "b": [1.0]}
    assert source.catalog.column(2).to_pylist() == ["#1", "x"]


@pytest.mark.parametrize("path", ["sub\\g1.fits", ".\\sub\\g1.fits", "sub\\..\\sub/g1.fits"])
def test_paths_of_windows(folder: Path, path: str) -> None:
    rows = catalog(folder / "rows.csv", f"id,file\na,{path}\n")
    assert values(read(open_source(rows))) == {"a": [1.0]}


def test_sidecar_paths_of_windows(folder: Path) -> None:
    save(folder / "sub/m.fits", np.eye(8, 6, dtype=np.float32))
    rows = catalog(folder / "rows.csv", "id,file,mask\na,sub\\g1.fits,sub\\m.fits\n")
    assert np.isnan(read_cutouts(rows).pixels).sum() == 6


@pytest.mark.parametrize("path", ["..\\g1.fits", "C:\\data\\g1.fits", "sub\\..\\..\\g1.fits"])
def test_paths_of_windows_stay_inside(folder: Path, path: str) -> None:
    rows = catalog(folder / "rows.csv", f"id,file\na,{path}\n")
    with pytest.raises(CutoutError, match="lies outside the catalog's folder"):
        read_cutouts(rows)


IMAGE = np.arange(48, dtype=np.float32).reshape(8, 6)
NESTED = {
    "flat": pa.array([IMAGE.ravel().tolist()] * 2),
    "nested": pa.array([IMAGE.tolist()] * 2),
    "struct": pa.array([{"band": ["g"], "flux": [IMAGE.tolist()]}] * 2),
}


@pytest.mark.parametrize("kind", NESTED)
def test_nested_columns_of_parquet_are_named(tmp_path: Path, kind: str) -> None:
    table = pa.table({"object_id": ["a", "b"], "image": NESTED[kind]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UsageError, match=r"structs in 'image' are not read as images: save them"):
        open_source(tmp_path / "a.parquet")


def test_a_column_of_files_under_another_name(folder: Path) -> None:
    rows = catalog(folder / "rows.csv", "id,filename\na,sub/g0.fits\n")
    with pytest.raises(UsageError, match="if 'filename' holds the files, call it 'file'"):
        open_source(rows)


def test_a_row_a_band(folder: Path) -> None:
    rows = catalog(folder / "rows.csv", "id,file,filter\na,sub/g0.fits,g\na,sub/g1.fits,r\n")
    with pytest.raises(UsageError, match="a galaxy is one row, with a column of files for each"):
        open_source(rows)


@pytest.mark.parametrize("shape", [(20, 20, 3), (20, 20, 1), (2, 20, 20, 3)])
def test_cubes_with_the_bands_last(tmp_path: Path, shape: tuple[int, ...]) -> None:
    fits.writeto(tmp_path / "a.fits", np.zeros(shape, np.float32))
    with pytest.raises(CutoutError, match=r"NAXIS1 = [31]\): write np.moveaxis\(image, -1, 0\)"):
        read_cutouts(tmp_path)


def test_many_cubes_with_the_bands_last(tmp_path: Path) -> None:
    cubes = [fits.ImageHDU(np.zeros((20, 20, 3), np.float32)) for _ in range(20)]
    fits.HDUList([fits.PrimaryHDU(), *cubes]).writeto(tmp_path / "a.fits")
    with pytest.raises(CutoutError, match="the bands seem to be the last axis"):
        read_cutouts(tmp_path)
