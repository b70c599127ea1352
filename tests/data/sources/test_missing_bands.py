"""Bands that a galaxy does not have: a failure, or no good pixel, by choice; never zero."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from tests.data.sources.source_files import catalog, flat, read, reasons, save

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, open_source, read_cutouts


def firsts(cutout: Cutout) -> list[float | None]:
    """Return the first pixel of each band; None for a band without a good pixel."""
    return [None if np.isnan(band).all() else float(band[0, 0]) for band in cutout.pixels]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name, value in (("g", 1), ("r", 2)):
        save(tmp_path / f"{name}.fits", flat(value))
    (tmp_path / "broken.fits").write_bytes(b"SIMPLE")
    rows = (
        "both,g.fits,r.fits\nempty,g.fits,\ngone,gone.fits,r.fits\nbroken,g.fits,broken.fits\n"
        "none,,\n"
    )
    return catalog(tmp_path / "c.csv", "id,file_g,file_r\n" + rows)


def test_by_default_a_missing_band_is_a_failure(table: Path) -> None:
    found = read(open_source(table))
    assert [cutout.id for cutout in found.cutouts] == ["both"]
    assert reasons(found) == {
        "empty": "band r: there is no file in its row of the catalog",
        "gone": "band g: there is no such file",
        "broken": "band r: is not a FITS file: its first line is damaged",
        "none": "band g: there is no file in its row of the catalog",
    }


def test_masked_bands_have_no_good_pixel(table: Path) -> None:
    source = pickle.loads(pickle.dumps(open_source(table, missing_bands="mask")))
    found = read(source)
    assert {cutout.id: firsts(cutout) for cutout in found.cutouts} == {
        "both": [1, 2],
        "empty": [1, None],
        "gone": [None, 2],
    }
    assert {cutout.bands for cutout in found.cutouts} == {("g", "r")}
    assert [cutout.file for cutout in found.cutouts] == ["g.fits", "g.fits", "r.fits"]
    assert reasons(found) == {
        "broken": "band r: is not a FITS file: its first line is damaged",
        "none": "band g: there is no file in its row of the catalog",
    }


@pytest.mark.parametrize("chosen", [None, ("g", "r")])
def test_files_that_name_their_bands(tmp_path: Path, chosen: tuple[str, ...] | None) -> None:
    def written(name: str, filters: str) -> None:
        hdus = [fits.PrimaryHDU()] + [fits.ImageHDU(flat(ord(band)), name=band) for band in filters]
        for hdu in hdus[1:]:
            hdu.header["FILTER"] = hdu.name.lower()
        fits.HDUList(hdus).writeto(tmp_path / name)

    written("a.fits", "gr")
    written("b.fits", "rg")
    written("c.fits", "r")
    written("d.fits", "iz")
    source = open_source(tmp_path, bands=chosen, missing_bands="mask")
    found = read(source)
    assert source.bands == ("g", "r")
    assert {cutout.id: firsts(cutout) for cutout in found.cutouts} == {
        "a": [103, 114],
        "b": [103, 114],
        "c": [None, 114],
    }
    assert "d" in reasons(found)
    with pytest.raises(CutoutError, match="has no band"):
        read_cutouts(tmp_path, bands=chosen)
    (tmp_path / "d.fits").unlink()
    assert read_cutouts(tmp_path, bands=chosen, missing_bands="mask").pixels.shape == (3, 2, 8, 6)


def test_noise_of_a_masked_band_is_not_known(tmp_path: Path) -> None:
    for name, value in (("g", 1), ("s", 5)):
        save(tmp_path / f"{name}.fits", flat(value))
    table = catalog(tmp_path / "c.csv", "id,file_g,file_r,noise_g\na,g.fits,,s.fits\n")
    [cutout] = read(open_source(table, missing_bands="mask")).cutouts
    assert cutout.noise is None  # of all bands or of none
    assert firsts(cutout) == [1, None]


def test_bands_without_names_cannot_be_missing(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", np.stack([flat(1), flat(2)]))
    assert reasons(read(open_source(tmp_path, bands=["g", "r", "i"], missing_bands="mask"))) == {
        "a": "its 2 bands have no names, and 3 are asked for: g, r, i"
    }


def test_a_mosaic_that_does_not_reach_there(tmp_path: Path) -> None:
    header = fits.Header(
        {
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CDELT1": -1e-4,
            "CDELT2": 1e-4,
            "CRPIX1": 10.0,
            "CRPIX2": 10.0,
        }
    )
    header.update(CRVAL1=10.0, CRVAL2=0.0)
    for name, side in (("g", 20), ("r", 60)):
        header["FILTER"] = name
        fits.PrimaryHDU(flat(ord(name), (side, side)), header).writeto(tmp_path / f"{name}.fits")
    table = catalog(tmp_path / "c.csv", "id,ra,dec\nboth,10,0\nr,9.9965,0\nnone,9.9,0\n")
    files = [tmp_path / "g.fits", tmp_path / "r.fits"]
    source = open_source(files, positions=table, size_pixels=4, missing_bands="mask")
    found = read(source)
    assert {cutout.id: firsts(cutout) for cutout in found.cutouts} == {
        "both": [103, 114],
        "r": [None, 114],
    }
    assert list(reasons(found)) == ["none"]
    assert list(reasons(read(open_source(files, positions=table, size_pixels=4)))) == ["r", "none"]


def test_missing_bands_has_two_choices(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing_bands must be one of fail, mask; it is 'zero'"):
        open_source(tmp_path, missing_bands="zero")  # type: ignore[arg-type]
