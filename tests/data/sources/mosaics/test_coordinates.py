"""Positions in pixels of a mosaic, counted from 0 or from 1."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import Cutout2D
from tests.data.sources.source_files import catalog, read, reasons

from galfeat import UsageError
from galfeat.data import open_source, read_cutouts

RAMP = np.arange(600, dtype=np.float32).reshape(20, 30)


def mosaic(path: Path, pixels: Any = RAMP, **cards: Any) -> Path:
    hdu = fits.PrimaryHDU(pixels)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


@pytest.mark.parametrize(
    ("names", "first"), [("x,y", 0), ("X_IMAGE,Y_IMAGE", 1), ("xcentroid,ycentroid", 0)]
)
@pytest.mark.parametrize("size", [1, 4, 5])
def test_pixels_are_counted_as_their_columns_say(
    tmp_path: Path, names: str, first: int, size: int
) -> None:
    places = [(12, 7), (12.4, 7.6), (3.5, 18.5)]
    lines = "".join(f"{x + first},{y + first}\n" for x, y in places)
    source = open_source(
        mosaic(tmp_path / "m.fits"),
        positions=catalog(tmp_path / "c.csv", f"{names}\n{lines}"),
        size_pixels=size,
    )
    for cutout, place in zip(read(source).cutouts, places, strict=True):
        expected = Cutout2D(RAMP, place, size, mode="partial", fill_value=np.nan).data
        assert np.array_equal(cutout.pixels[0], expected, equal_nan=True)


def test_one_pixel_by_hand(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.fits")
    for names, text in (("x,y", "2,1"), ("x_image,y_image", "3,2")):
        batch = read_cutouts(
            path, positions=catalog(tmp_path / "c.csv", f"{names}\n{text}\n"), size_pixels=1
        )
        assert batch.pixels.ravel().tolist() == [32]  # second row of 30, third pixel


def test_the_edge_and_beyond(tmp_path: Path) -> None:
    table = catalog(tmp_path / "c.csv", "id,x,y\nin,10,10\nedge,0,0\nout,-50,5\nnowhere,,5\n")
    source = open_source(mosaic(tmp_path / "m.fits"), positions=table, size_pixels=4)
    found = read(source)
    assert [cutout.id for cutout in found.cutouts] == ["in", "edge"]
    assert source.catalog.column("edge").to_pylist()[:2] == [False, True]
    assert reasons(found) == {
        "out": "lies outside the mosaic m.fits, which has 20 x 30 pixels",
        "nowhere": "there is no position in its row: it needs a number in 'x' and in 'y'",
    }


def test_the_sky_comes_first(tmp_path: Path) -> None:
    wcs = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CDELT1": -1e-4,
        "CDELT2": 1e-4,
        "CRPIX1": 5.0,
        "CRPIX2": 5.0,
        "CRVAL1": 10.0,
    }
    path = mosaic(tmp_path / "m.fits", CRVAL2=0.0, **wcs)
    table = catalog(tmp_path / "c.csv", "ra,dec,x,y\n10,0,20,15\n")
    assert read_cutouts(path, positions=table, size_pixels=1).pixels.ravel().tolist() == [
        4 * 30 + 4
    ]
    table = catalog(tmp_path / "d.csv", "x,y\n20,15\n")
    assert read_cutouts(path, positions=table, size_arcsec=0.72).pixels.shape == (1, 1, 2, 2)


def test_bands_need_one_grid_and_arcseconds_need_the_sky(tmp_path: Path) -> None:
    table = catalog(tmp_path / "c.csv", "x,y\n5,5\n")
    first, second = (
        mosaic(tmp_path / "g.fits", FILTER="g"),
        mosaic(tmp_path / "r.fits", RAMP[:, :20], FILTER="r"),
    )
    with pytest.raises(
        UsageError, match="have 20 x 20 and 20 x 30 pixels: positions in pixels need one grid"
    ):
        open_source([first, second], positions=table, size_pixels=4)
    with pytest.raises(
        UsageError, match="arcseconds cannot be converted to pixels: give size_pixels"
    ):
        open_source(first, positions=table, size_arcsec=4)
    other = mosaic(tmp_path / "i.fits", RAMP + 1, FILTER="i")
    batch = read_cutouts([first, other], positions=table, size_pixels=1)
    assert (batch.bands, batch.pixels.ravel().tolist()) == (("g", "i"), [155, 156])


def test_planes_of_a_compressed_cube(tmp_path: Path) -> None:
    cube = np.stack([RAMP, RAMP + 1000, RAMP + 2000]).astype("i4")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(cube, tile_shape=(1, 8, 8))]).writeto(
        tmp_path / "m.fits"
    )
    batch = read_cutouts(
        tmp_path / "m.fits", positions=catalog(tmp_path / "c.csv", "x,y\n5,5\n"), size_pixels=3
    )
    assert np.array_equal(batch.pixels[0], cube[:, 4:7, 4:7])
