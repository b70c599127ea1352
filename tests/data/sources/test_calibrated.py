"""What headers state of flux and coordinates reaches the cutouts, and changes no pixel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area
from numpy.typing import NDArray
from tests.data.sources.source_files import catalog, read

from galfeat.data import Cutout, SimulatedSurvey, open_source, write_survey
from galfeat.data.grids.pixel_scale import pixel_scale
from galfeat.data.sources.calibrated import calibrated

ARCSEC_SQUARED = (np.pi / 180 / 3600) ** 2


def image(shape: tuple[int, ...] = (24, 24), seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(5, 1, shape).astype(np.float32)


def grid(scale: float, size: int = 24) -> dict[str, Any]:
    """Return the coordinates of an image of that pixel scale, arcsec, around one place."""
    return {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 150.0,
        "CRVAL2": 2.0,
        "CRPIX1": (size + 1) / 2,
        "CRPIX2": (size + 1) / 2,
        "CD1_1": -scale / 3600,
        "CD2_2": scale / 3600,
    }


def write(path: Path, pixels: NDArray[Any], **cards: Any) -> Path:
    hdu = fits.PrimaryHDU(pixels)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def cutouts(path: Path, **options: Any) -> dict[str, Cutout]:
    reading = read(calibrated(open_source(path, **options)))
    assert not reading.failures
    return {each.id: each for each in reading.cutouts}


def test_each_file_states_its_own(tmp_path: Path) -> None:
    for number in range(5):  # of one layout: all but the first take the fast path
        cards = {"BUNIT": "adu", "MAGZP": 25 + number / 10, "EXPTIME": 1.5e2}
        write(tmp_path / f"{number}.fits", image(), **cards, **grid(0.2 + number / 10))
    found = cutouts(tmp_path)
    for number in range(5):
        cutout = found[str(number)]
        assert cutout.keywords == (
            {"BUNIT": "adu", "MAGZP": str(25 + number / 10), "EXPTIME": "150.0"},
        )
        assert pixel_scale(cutout) == pytest.approx(0.2 + number / 10)


def test_nothing_is_read_unless_asked_and_pixels_are_the_same(tmp_path: Path) -> None:
    for number in range(3):
        pixels = image(seed=number)
        write(tmp_path / f"{number}.fits", pixels, BUNIT="Jy", MAGZP=25.0, **grid(0.2))
    source = open_source(tmp_path)
    plain = read(source).cutouts
    assert {each.keywords for each in plain} == {()}
    for before, after in zip(plain, read(calibrated(source)).cutouts, strict=True):
        np.testing.assert_array_equal(before.pixels, after.pixels)
        assert (before.id, before.units, before.row) == (after.id, after.units, after.row)


def test_extensions_inherit_from_a_primary_header_without_pixels(tmp_path: Path) -> None:
    empty, full = fits.PrimaryHDU(), fits.PrimaryHDU(image())
    for primary in (empty, full):
        primary.header.update({"EXPTIME": 100.0, "MAGZP": 20.0})
    for name, primary in {"empty": empty, "full": full}.items():
        band = fits.ImageHDU(image(), name="SCI")
        band.header.update({"BUNIT": "ELECTRONS", "PHOTFLAM": 7.0e-20, "PHOTPLAM": 8045.5})
        fits.HDUList([primary, band]).writeto(tmp_path / f"{name}.fits")
    found = cutouts(tmp_path, extension="SCI")
    own = {"BUNIT": "ELECTRONS", "PHOTFLAM": "7E-20", "PHOTPLAM": "8045.5"}
    assert found["empty"].keywords == ({**own, "EXPTIME": "100.0", "MAGZP": "20.0"},)
    assert found["full"].keywords == (own,)


def test_a_cube_has_no_pivot_wavelength(tmp_path: Path) -> None:
    cards = {"BUNIT": "electron/s", "PHOTFLAM": 7e-20, "PHOTPLAM": 8000.0, "MAGZP": 25.0}
    write(tmp_path / "a.fits", image((3, 24, 24)), **cards)
    (found,) = cutouts(tmp_path).values()
    assert found.keywords == ({"BUNIT": "electron/s", "MAGZP": "25.0"},) * 3


def test_files_of_equal_extensions_are_read_too(tmp_path: Path) -> None:
    write_survey(SimulatedSurvey(5, size=32, seed=3), tmp_path / "mef", layout="mef")
    source = open_source(tmp_path / "mef")
    found = read(calibrated(source)).cutouts
    assert {len(each.keywords) for each in found} == {3}
    for before, after in zip(read(source).cutouts, found, strict=True):
        np.testing.assert_array_equal(before.pixels, after.pixels)
        assert [each.get("BUNIT", "") for each in after.keywords] == list(after.units or [""] * 3)


def test_damaged_coordinates_state_no_scale(tmp_path: Path) -> None:
    write(tmp_path / "none.fits", image())
    write(tmp_path / "odd.fits", image(), **{**grid(0.2), "CD1_1": 0.0, "CD2_2": 0.0})
    write(tmp_path / "turned.fits", image(), **{**grid(0.2), "CD1_2": 1e-5, "CD2_1": 2e-5})
    found = cutouts(tmp_path)
    assert pixel_scale(found["none"]) is None
    assert pixel_scale(found["odd"]) is None
    turned = WCS(fits.getheader(tmp_path / "turned.fits"))
    side = 3600 * np.sqrt(proj_plane_pixel_area(turned))
    assert pixel_scale(found["turned"]) == pytest.approx(side)


def surface_brightness(folder: Path) -> float:
    """Write two bands of a uniform 1 MJy/sr, one of half as large pixels; return their area, sr."""
    for band, scale, size in (("g", 0.2, 48), ("r", 0.4, 24)):
        area = scale**2 * ARCSEC_SQUARED
        pixels = np.ones((size, size), np.float32)
        pixels += np.random.default_rng(1).normal(0, 1e-3, pixels.shape).astype(np.float32)
        cards = {"BUNIT": "MJy/sr", "PIXAR_SR": area, **grid(scale, size)}
        write(folder / f"{band}.fits", pixels, **cards)
    return 0.2**2 * ARCSEC_SQUARED


def test_surface_brightness_that_is_resampled_has_the_new_pixels(tmp_path: Path) -> None:
    area = surface_brightness(tmp_path)
    catalog(tmp_path / "catalog.csv", "id,file_g,file_r\na,g.fits,r.fits\n")
    (found,) = cutouts(tmp_path / "catalog.csv").values()
    assert np.nanmedian(found.pixels[1]) == pytest.approx(1, rel=1e-2)
    for keywords in found.keywords:
        assert float(keywords["PIXAR_SR"]) == pytest.approx(area, rel=1e-6)
    assert pixel_scale(found) == pytest.approx(0.2)


def test_mosaics_state_it_for_each_band(tmp_path: Path) -> None:
    (tmp_path / "mosaics").mkdir()
    area = surface_brightness(tmp_path / "mosaics")
    positions = catalog(tmp_path / "positions.csv", "id,ra,dec\na,150.0,2.0\n")
    options: dict[str, Any] = {"positions": positions, "size_pixels": 16}
    (found,) = cutouts(tmp_path / "mosaics", **options).values()
    areas = [float(keywords["PIXAR_SR"]) for keywords in found.keywords]
    np.testing.assert_allclose(areas, area, rtol=1e-6)
    assert pixel_scale(found) == pytest.approx(0.2)
    assert read(open_source(tmp_path / "mosaics", **options)).cutouts[0].keywords == ()


def test_counts_that_are_resampled_keep_their_calibration(tmp_path: Path) -> None:
    for band, scale in (("g", 0.2), ("r", 0.4)):
        cards = {"BUNIT": "DN/s", "PHOTMJSR": 2.0, "PIXAR_SR": scale**2, **grid(scale)}
        write(tmp_path / f"{band}.fits", image(), **cards)
    catalog(tmp_path / "catalog.csv", "id,file_g,file_r\na,g.fits,r.fits\n")
    (found,) = cutouts(tmp_path / "catalog.csv").values()
    areas = [float(keywords["PIXAR_SR"]) for keywords in found.keywords]
    np.testing.assert_allclose(areas, [0.2**2, 0.4**2])


def test_selection_keeps_each_band_s_own(tmp_path: Path) -> None:
    for band, zero in (("g", 25.0), ("r", 26.0)):
        write(tmp_path / f"{band}.fits", image(), MAGZP=zero)
    catalog(tmp_path / "catalog.csv", "id,file_g,file_r\na,g.fits,r.fits\nb,g.fits,none.fits\n")
    swapped = calibrated(
        open_source(tmp_path / "catalog.csv", bands=["r", "g"], missing_bands="mask")
    )
    one, two = read(swapped).cutouts
    assert one.keywords == ({"MAGZP": "26.0"}, {"MAGZP": "25.0"})
    assert two.keywords == ({}, {"MAGZP": "25.0"})
