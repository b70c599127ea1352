"""Pixel conventions of headers: asinh magnitudes of Pan-STARRS, blanks of compressed images."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import read_cutout, read_cutouts

SOFTENING, OFFSET = 221.9, 7.17


def galaxy(seed: int = 0) -> NDArray[np.float32]:
    y, x = np.mgrid[:40, :48] - 20.0
    noise = np.random.default_rng(seed).normal(0, 5, (40, 48))
    return (4000 * np.exp(-np.hypot(x, y) / 4) + noise).astype("f4")


def magnitudes(flux: NDArray[Any]) -> NDArray[Any]:
    return 2.5 / math.log(10) * np.arcsinh((flux - OFFSET) / (2 * SOFTENING))


def header(**more: float) -> fits.Header:
    return fits.Header({"BSOFTEN": SOFTENING, "BOFFSET": OFFSET, **more})


def test_asinh_magnitudes_become_flux(tmp_path: Path) -> None:
    flux = galaxy()
    fits.writeto(tmp_path / "a.fits", magnitudes(flux).astype("f4"), header())
    fits.writeto(tmp_path / "b.fits.gz", magnitudes(flux), header())
    found = read_cutouts(tmp_path).pixels
    assert np.allclose(found[0, 0], flux, rtol=2e-6, atol=1e-3)
    assert np.allclose(found[1, 0], flux, rtol=2e-6, atol=1e-3)


def test_one_value_of_the_formula_by_hand(tmp_path: Path) -> None:
    # x = 2.5 log10(e): the argument of sinh is 1, and sinh(1) = 1.1752012
    pixels = np.full((16, 16), 1.0857362, "f4")
    fits.writeto(tmp_path / "a.fits", pixels, fits.Header({"BSOFTEN": 10.0, "BOFFSET": 3.0}))
    assert read_cutout(tmp_path / "a.fits").pixels[0, 5, 5] == pytest.approx(3 + 20 * 1.1752012)


def test_files_before_and_after_a_plain_one(tmp_path: Path) -> None:
    """The reader of plain images remembers header forms: none of them is this one."""
    flux = galaxy()
    for name in "ace":
        fits.writeto(tmp_path / f"{name}.fits", flux, fits.Header({"X": 1.0, "Y": 2.0}))
    for name in "bdf":
        fits.writeto(tmp_path / f"{name}.fits", magnitudes(flux).astype("f4"), header())
    found = read_cutouts(tmp_path).pixels[:, 0]
    assert np.allclose(found, flux, rtol=2e-6, atol=1e-3)


@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1"])
def test_compressed_stacks_with_scaled_integers(tmp_path: Path, codec: str) -> None:
    flux, scale = galaxy(), 2.1e-4
    stored = np.round((magnitudes(flux) - 3.6) / scale).astype("i2")
    stored[0, :3] = -32768
    image = fits.CompImageHDU(stored, header(), compression_type=codec)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "a.fits.fz")
    with fits.open(tmp_path / "a.fits.fz", "update", disable_image_compression=True) as opened:
        opened[1].header.update({"BSCALE": scale, "BZERO": 3.6, "ZBLANK": -32768})
    wanted = OFFSET + 2 * SOFTENING * np.sinh((stored * scale + 3.6) * math.log(10) / 2.5)
    wanted[0, :3] = np.nan
    found = read_cutout(tmp_path / "a.fits.fz").pixels[0]
    assert np.allclose(found, wanted, rtol=1e-5, atol=1e-3, equal_nan=True)
    (tmp_path / "p.csv").write_text("x,y\n20,20\n")
    part = read_cutouts(tmp_path / "a.fits.fz", positions=tmp_path / "p.csv", size_pixels=48)
    assert np.array_equal(part.pixels[0, 0, 4:44, 4:48], found[:, :44], equal_nan=True)


def test_variances_are_linear_already(tmp_path: Path) -> None:
    flux = galaxy()
    image = fits.ImageHDU(magnitudes(flux), header(), name="SCI")
    variance = fits.ImageHDU(np.full(flux.shape, 25.0), header(), name="VARIANCE")
    fits.HDUList([fits.PrimaryHDU(), image, variance]).writeto(tmp_path / "a.fits")
    noise = read_cutout(tmp_path / "a.fits").noise
    assert noise is not None
    assert (noise == 5).all()


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        ({"BSOFTEN": 1.0}, "BSOFTEN and BOFFSET"),
        ({"BOFFSET": 1.0}, "BSOFTEN and BOFFSET"),
        ({"BSOFTEN": 0.0, "BOFFSET": 1.0}, "BSOFTEN is 0"),
        ({"BSOFTEN": -3.0, "BOFFSET": 1.0}, "BSOFTEN is -3"),
        ({"BSOFTEN": "none", "BOFFSET": 1.0}, "not a number"),
    ],
)
def test_a_formula_that_makes_no_sense(tmp_path: Path, cards: dict[str, Any], words: str) -> None:
    fits.writeto(tmp_path / "a.fits", galaxy(), fits.Header(cards))
    with pytest.raises(CutoutError, match=words):
        read_cutouts(tmp_path)


def test_flux_beyond_float32_is_bad(tmp_path: Path) -> None:
    pixels = magnitudes(galaxy())
    pixels[3, 4] = 1e3
    fits.writeto(tmp_path / "a.fits", pixels, header())
    bad = ~np.isfinite(read_cutouts(tmp_path).pixels[0, 0])
    assert np.argwhere(bad).tolist() == [[3, 4]]


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
@pytest.mark.parametrize("codec", ["RICE_1", "GZIP_1", "GZIP_2"])
def test_blanks_of_compressed_integers(tmp_path: Path, dtype: str, codec: str) -> None:
    blank = 7 if dtype == "u1" else -999
    pixels = np.random.default_rng(1).integers(10, 200, (32, 32)).astype(dtype)
    pixels[3, 4:9] = blank
    path = tmp_path / "a.fits.fz"
    image = fits.CompImageHDU(pixels, compression_type=codec)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path)
    with fits.open(path, "update", disable_image_compression=True) as opened:
        opened[1].header.update({"ZBLANK": blank, "BSCALE": 0.5, "BZERO": 7.0})
    found = read_cutout(path).pixels[0]
    assert np.array_equal(found, np.where(pixels == blank, np.nan, pixels * 0.5 + 7), True)
    assert np.array_equal(found, fits.getdata(path), True)


def test_blank_goes_before_zblank(tmp_path: Path) -> None:
    pixels = np.arange(1024, dtype="i2").reshape(32, 32)
    path = tmp_path / "a.fits.fz"
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels)]).writeto(path)
    with fits.open(path, "update", disable_image_compression=True) as opened:
        opened[1].header.update({"ZBLANK": 5, "BLANK": 9})
    assert np.flatnonzero(np.isnan(read_cutout(path).pixels[0])).tolist() == [9]
