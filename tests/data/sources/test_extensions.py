"""Images of a file chosen by hand, and rows of a catalog whose file holds several galaxies."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from tests.data.sources.source_files import catalog, flat, read, reasons, save, values

from galfeat import CutoutError, UsageError
from galfeat.data import open_source, read_cutout, read_cutouts
from galfeat.data.fits.selectors import Selector, format_selectors, parse_selectors, split_selectors


def chips(path: Path) -> Path:
    """Write two SCI with their ERR, and a model: values 1, 10, 2, 20 and 5."""
    made: list[Any] = [
        fits.ImageHDU(flat(value), name=name, ver=version)
        for name, version, value in (("SCI", 1, 1), ("ERR", 1, 10), ("SCI", 2, 2), ("ERR", 2, 20))
    ]
    made.append(fits.ImageHDU(flat(5), name="PHASE"))
    fits.HDUList([fits.PrimaryHDU(), *made]).writeto(path)
    return path


def test_a_number_behind_a_name_is_its_version() -> None:
    first, second = Selector("SCI"), Selector("SCI", 2)
    assert parse_selectors("SCI") == (first,)
    assert parse_selectors("sci, 2") == (second,)
    assert parse_selectors("1,2") == (Selector("", 1), Selector("", 2))
    assert parse_selectors("SCI,2,1,ERR") == (second, Selector("", 1), Selector("ERR"))
    assert parse_selectors(["SCI,2", "ERR"]) == (second, Selector("ERR"))
    for text in ("SCI,2,1,ERR", "g,r", "0", "SCI,1,SCI,2"):
        assert format_selectors(parse_selectors(text)).upper() == text.upper()
    for text in ("", "SCI,,ERR", "SCI,SCI", "1,1"):
        with pytest.raises(UsageError, match="extensions must be names or numbers"):
            parse_selectors(text)


def test_brackets_behind_a_file_choose() -> None:
    assert split_selectors("a/b.fits[SCI,2]") == ("a/b.fits", "SCI,2")
    assert split_selectors("b.fits.gz[1]") == ("b.fits.gz", "1")
    for name in ("b.fits", "b[1].fits", "b.png[1]", "a]", "b.fits[1"):
        assert split_selectors(name) == (name, "")


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ("SCI,2", {"a": [2]}),
        ("3", {"a": [2]}),
        ("sci", {"a[0]": [1], "a[1]": [2]}),
        ("PHASE", {"a": [5]}),
        ("ERR,1", {"a": [10]}),
        ("PHASE,SCI,1", {"a[0]": [5], "a[1]": [1]}),
    ],
)
def test_images_are_chosen_by_name_number_and_version(
    tmp_path: Path, extension: str, expected: dict[str, list[float]]
) -> None:
    path = chips(tmp_path / "a.fits")
    assert values(read(open_source(path, extension=extension))) == expected
    assert values(read(open_source(f"{path}[{extension}]"))) == expected
    assert values(read(open_source(tmp_path, extension=extension))) == expected


def test_the_chosen_image_keeps_its_noise(tmp_path: Path) -> None:
    path = chips(tmp_path / "a.fits")
    for source in (open_source(path, extension="SCI,2"), open_source(f"{path}[SCI,2]")):
        [cutout] = read(source).cutouts
        assert cutout.noise is not None
        assert cutout.noise[0, 0, 0] == 20
    assert read_cutout(f"{path}[SCI,2]").pixels[0, 0, 0] == 2
    assert read_cutout(path, extension="PHASE").pixels[0, 0, 0] == 5
    assert read_cutouts(path, extension="SCI").pixels[:, 0, 0, 0].tolist() == [1, 2]


def test_chosen_images_are_bands_where_the_layout_says_so(tmp_path: Path) -> None:
    path = chips(tmp_path / "a.fits")
    found = read(open_source(path, extension="PHASE,SCI,2", layout="bands"))
    assert values(found) == {"a": [5, 2]}
    images = [fits.ImageHDU(flat(n), name=name) for n, name in enumerate(("FLUX", "GIMG", "RIMG"))]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "m.fits")
    [cutout] = read(open_source(tmp_path / "m.fits", extension="RIMG,GIMG", layout="bands")).cutouts
    assert cutout.bands == ("RIMG", "GIMG")
    assert cutout.pixels[:, 0, 0].tolist() == [2, 1]


def test_a_choice_that_is_not_there_says_what_is(tmp_path: Path) -> None:
    path = chips(tmp_path / "a.fits")
    [reason] = reasons(read(open_source(path, extension="DRZ"))).values()
    assert (
        reason == "has no image DRZ: its images are 1 (SCI), 2 (ERR), 3 (SCI), 4 (ERR), 5 (PHASE)"
    )
    with pytest.raises(CutoutError, match="has no image SCI,3"):
        read_cutout(f"{path}[SCI,3]")
    with pytest.raises(UsageError, match="leave out --extension"):
        open_source(f"{path}[SCI]", extension="1")
    with pytest.raises(UsageError, match="no such file"):
        open_source(tmp_path / "gone.fits[SCI]")
    with pytest.raises(UsageError, match="each once"):
        open_source(path, extension="1,1")


def test_plain_files_are_read_the_same_with_their_number(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / f"{number}.fits", flat(number))
    every = values(read(open_source(tmp_path)))
    assert values(read(open_source(tmp_path, extension="0"))) == every
    assert values(read(open_source(tmp_path, extension="primary"))) == every
    assert len(reasons(read(open_source(tmp_path, extension="1")))) == 4


def test_catalogs_choose_in_each_row(tmp_path: Path) -> None:
    chips(tmp_path / "a.fits")
    rows = 'one,"a.fits[SCI,1]"\ntwo,a.fits[3]\nthree,a.fits[PHASE]\nfour,a.fits[GONE]\n'
    found = read(open_source(catalog(tmp_path / "c.csv", f"id,file\n{rows}")))
    assert values(found) == {"one": [1], "two": [2], "three": [5]}
    assert "has no image GONE" in reasons(found)["four"]
    unnamed = catalog(tmp_path / "d.csv", "file\na.fits[1]\na.fits[3]\n")
    assert values(read(open_source(unnamed))) == {"a[1]": [1], "a[3]": [2]}
    bands = catalog(tmp_path / "e.csv", "id,file_g,file_r\nx,a.fits[1],a.fits[3]\n")
    assert values(read(open_source(bands))) == {"x": [1, 2]}
    both = catalog(tmp_path / "f.csv", "id,file,hdu\nx,a.fits[1],3\n")
    assert "chosen from twice" in reasons(read(open_source(both)))["x"]


def test_columns_of_companions_choose_too(tmp_path: Path) -> None:
    chips(tmp_path / "a.fits")
    bits = np.zeros((8, 6), "i4")
    bits[0, 3] = 1
    fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(bits * 0, name="A"), fits.ImageHDU(bits, name="B")]
    ).writeto(tmp_path / "m.fits")
    table = catalog(tmp_path / "c.csv", "id,file,mask\nx,a.fits[5],m.fits[B]\n")
    [cutout] = read(open_source(table)).cutouts
    assert np.flatnonzero(np.isnan(cutout.pixels[0, 0])).tolist() == [3]


def test_a_row_of_a_catalog_is_one_galaxy(tmp_path: Path) -> None:
    chips(tmp_path / "a.fits")
    save(tmp_path / "b.fits", flat(7))
    table = catalog(tmp_path / "c.csv", "id,file,label\nx,a.fits,spiral\ny,b.fits,spiral\n")
    found = read(open_source(table))
    assert values(found) == {"y": [7]}
    assert reasons(found)["x"] == (
        "holds 2 galaxies for one row of the catalog: choose one in each row, by a column 'hdu' or "
        "as a.fits[NAME]; or in all files by --extension NAME; or say --layout bands if they are "
        "bands of one galaxy"
    )
    both = read(open_source(table, extension="SCI,2"))
    assert values(both) == {"x": [2]}
    assert "has no image SCI,2" in reasons(both)["y"]
    assert values(read(open_source(table, layout="bands"))) == {"x": [1, 2], "y": [7]}
    assert values(read(open_source(tmp_path / "a.fits"))) == {"a[0]": [1], "a[1]": [2]}


def test_rows_of_one_image_are_read_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chips(tmp_path / "a.fits")
    twice = catalog(tmp_path / "c.csv", "id,file,hdu\nx,a.fits,1\ny,a.fits,1\nz,a.fits,3\n")
    with caplog.at_level(logging.WARNING, "galfeat"):
        assert values(read(open_source(twice))) == {"x": [1], "y": [1], "z": [2]}
    assert "1 of its 3 rows name an image that another row names too" in caplog.text


def test_a_choice_is_part_of_the_settings_of_a_run(tmp_path: Path) -> None:
    path = chips(tmp_path / "a.fits")
    plain, chosen = open_source(path), open_source(path, extension="SCI,2")
    assert chosen.settings == {**plain.settings, "extension": "SCI,2"}  # type: ignore[attr-defined]
