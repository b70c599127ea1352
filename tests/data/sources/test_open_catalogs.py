"""Catalogs that say which file is which galaxy."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.data.sources.source_files import catalog, flat, read, reasons, save, values

from galfeat import UsageError
from galfeat.data import Shard, open_source
from galfeat.data.fits.streams import FileBytes, open_bytes


def test_a_catalog_is_a_source_and_starts_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "sub" / "1.fits", flat(1))
    catalog(tmp_path / "c.csv", "id,file,mag\n0012345678901234567,sub/1.fits,20.5\n")
    monkeypatch.chdir(tmp_path / "sub")
    source = open_source("../c.csv")
    assert values(read(source)) == {"0012345678901234567": [1]}
    assert source.catalog.column("mag").to_pylist() == [20.5]


def test_a_catalog_without_identifiers_goes_by_its_files(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", flat(1), flat(2))
    table = catalog(tmp_path / "c.csv", "file,hdu\na.fits,1\na.fits,2\n")
    assert values(read(open_source(table))) == {"a[1]": [1], "a[2]": [2]}
    with pytest.raises(UsageError, match="'a' in rows 1, 2"):
        open_source(catalog(tmp_path / "d.csv", "file\na.fits\na.fits\n"))


def test_a_file_a_band(tmp_path: Path) -> None:
    for galaxy, band, value in (("a", "g", 1), ("a", "r", 2), ("b", "g", 3), ("b", "r", 4)):
        save(tmp_path / f"{galaxy}_{band}.fits", flat(value))
    save(tmp_path / "a_err.fits", flat(9))
    text = (
        "file_g,file_r,file_weight,file_name,psf\na_g.fits,a_r.fits,a_err.fits,x,y\n"
        "b_g.fits,b_r.fits,,x,y\n"
    )
    table = catalog(tmp_path / "c.csv", text)
    source = open_source(table)
    found = read(source)
    assert (source.bands, found.cutouts[0].named) == (("g", "r"), True)
    assert values(found) == {"a_g": [1, 2], "b_g": [3, 4]}
    assert values(read(open_source(table, bands=["r"]))) == {"a_g": [2], "b_g": [4]}
    assert values(read(open_source(table, bands=["r", "g"]))) == {"a_g": [2, 1], "b_g": [4, 3]}
    with pytest.raises(UsageError, match="no column 'file_z' for the band z; its bands are g, r"):
        open_source(table, bands=["g", "z"])


def test_a_band_that_is_missing_or_bad_is_named(tmp_path: Path) -> None:
    save(tmp_path / "g.fits", flat(1))
    save(tmp_path / "wide.fits", flat(1, (8, 7)))
    save(tmp_path / "cube.fits", flat(1, (2, 8, 6)))
    save(tmp_path / "two.fits", flat(1), flat(2))
    rows = (
        "none,g.fits,\ngone,g.fits,gone.fits\nwide,g.fits,wide.fits\ncube,g.fits,cube.fits\n"
        "two,g.fits,two.fits\n"
    )
    found = read(open_source(catalog(tmp_path / "c.csv", "id,file_g,file_r\n" + rows)))
    assert found.cutouts == []
    assert reasons(found) == {
        "none": "band r: there is no file in its row of the catalog",
        "gone": "band r: there is no such file",
        "wide": "its bands differ in size: g has 8 x 6 pixels, r has 8 x 7 pixels",
        "cube": "band r: holds 2 bands where one is expected",
        "two": "its files hold different numbers of galaxies: g has 1, r has 2",
    }
    assert [failure.file for failure in found.failures] == [
        "",
        "gone.fits",
        "g.fits",
        "cube.fits",
        "g.fits",
    ]


def test_each_row_chooses_one_galaxy_of_the_files_of_its_bands(tmp_path: Path) -> None:
    for band, start in (("g", 1), ("r", 11)):
        save(
            tmp_path / f"{band}.fits",
            flat(start),
            flat(start + 1, (5, 5)),
            flat(start + 2, (9, 8 if band == "g" else 7)),
        )
    rows = "".join(f"a{hdu},g.fits,r.fits,{hdu}\n" for hdu in (1, 2, 3))
    found = read(open_source(catalog(tmp_path / "c.csv", f"id,file_g,file_r,hdu\n{rows}")))
    assert values(found) == {"a1": [1, 11], "a2": [2, 12]}
    assert reasons(found) == {
        "a3": "its bands differ in size: g has 9 x 8 pixels, r has 9 x 7 pixels"
    }
    assert [cutout.row for cutout in found.cutouts] == [0, 1]
    whole = read(open_source(catalog(tmp_path / "d.csv", "id,file_g,file_r\na,g.fits,r.fits\n")))
    assert "holds 3 galaxies for one row of the catalog" in reasons(whole)["a"]


@pytest.mark.parametrize("file", ["../a.fits", "sub/../../a.fits", "/etc/passwd", ".."])
def test_paths_stay_inside_the_folder(tmp_path: Path, file: str) -> None:
    save(tmp_path / "a.fits", flat(1))
    (tmp_path / "in").mkdir()
    found = read(open_source(catalog(tmp_path / "in" / "c.csv", f"id,file\nx,{file}\n")))
    assert reasons(found) == {
        "x": (
            "lies outside the catalog's folder: write paths that stay inside it, or allow others "
            "(--allow-outside)"
        )
    }


def test_paths_may_wander_within_the_folder(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", flat(1))
    assert values(read(open_source(catalog(tmp_path / "c.csv", "id,file\nx,sub/../a.fits\n")))) == {
        "x": [1]
    }


def test_hdu_chooses_an_image_of_a_file_and_the_file_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.fits", flat(1), flat(2), flat(3))
    save(tmp_path / "b.fits", flat(4))
    table = catalog(
        tmp_path / "c.csv",
        "id,file,hdu\nx,a.fits,3\ny,b.fits,0\nz,a.fits,1\nbad,a.fits,7\nall,b.fits,\n",
    )
    opened = []

    def counted(path: Path) -> AbstractContextManager[FileBytes]:
        opened.append(path.name)
        return open_bytes(path)

    monkeypatch.setattr("galfeat.data.fits.header_cache.open_bytes", counted)
    source = open_source(table)
    found = source.read(Shard(0, 5))
    assert values(found) == {"x": [3], "y": [4], "z": [1], "all": [4]}
    assert [cutout.id for cutout in found.cutouts] == ["x", "y", "z", "all"]
    assert reasons(found) == {"bad": "has no extension 7: it has numbers 0 to 3"}
    assert sorted(opened) == ["a.fits", "b.fits"]


def test_hdu_must_be_whole_numbers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the column 'hdu' must hold whole numbers"):
        open_source(catalog(tmp_path / "c.csv", "id,file,hdu\na,a.fits,SCI\n"))


def test_a_catalog_without_files_says_which_columns_it_has(tmp_path: Path) -> None:
    table = catalog(tmp_path / "c.csv", "id,ra,dec,file_err\na,1,2,x\n")
    with pytest.raises(
        UsageError,
        match=(
            r"needs a column 'file', or 'file_<band>' for each band; its columns are id, ra, dec, "
            r"file_err"
        ),
    ):
        open_source(table)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("id;file\na;a.fits\n", "its columns are id;file: separate them by commas"),
        ("id\tfile\na\ta.fits\n", "separate them by commas"),
        ("ID,File\na,a.fits\n", "its columns are ID, File: write 'File' in lower case"),
        (
            "id,name\na,a.fits\n",
            "its columns are id, name: 'name' seems to name files, so call it 'file'",
        ),
        ("id,name\na,one\n", "its columns are id, name$"),
    ],
)
def test_a_catalog_without_files_says_what_may_be_wrong(
    tmp_path: Path, text: str, hint: str
) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(UsageError, match=hint):
        open_source(tmp_path / "c.csv")
