"""Bands of one galaxy on different grids: brought to one, or refused; never stacked as they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray
from tests.data.grids.sky_images import header, sampled, save

from galfeat import CutoutError
from galfeat.data import read_cutout, read_cutouts

SIDE = 48
GRIDS = {
    "turned": (header(turned=40, side=SIDE), SIDE),
    "mirrored": (header(mirror=-1, side=SIDE), SIDE),
    "shifted": (header(shift=2.4, side=SIDE), SIDE),
    "coarse": (header(2e-4, side=24), 24),
    "coarse, of the same size": (header(2e-4, side=SIDE), SIDE),
    "turned and coarse": (header(1.5e-4, 15, side=40), 40),
}


def catalog(folder: Path, *bands: str) -> Path:
    names, files = (
        ",".join(f"{first}{band}{last}" for band in bands)
        for first, last in (("file_", ""), ("", ".fits"))
    )
    (folder / "c.csv").write_text(f"id,{names}\na,{files}\n")
    return folder / "c.csv"


def galaxy(folder: Path, name: str, **cards: Any) -> NDArray[np.float32]:
    """Return the two bands of a galaxy, the second on another grid."""
    head, side = GRIDS[name]
    save(folder / "g.fits", sampled(header(side=SIDE), SIDE), header(side=SIDE), **cards)
    save(folder / "r.fits", sampled(head, side), head, **cards)
    return read_cutouts(catalog(folder, "g", "r")).pixels[0]


@pytest.mark.parametrize("name", GRIDS)
def test_a_source_has_its_place_and_flux_in_every_band(tmp_path: Path, name: str) -> None:
    g, r = galaxy(tmp_path, name)
    assert np.array_equal(g, sampled(header(side=SIDE), SIDE))
    # each pixel of a coarse band is that of several others; as it was stored it would be far off
    assert np.nanmax(np.abs(r - g)) < (0.15 if "coarse" in name else 0.07) * g.max()
    assert np.nansum(r) == pytest.approx(g.sum(), rel=2e-3)


@pytest.mark.parametrize("unit", ["MJy/sr", "nJy/arcsec2", "uJy / arcsec^2"])
def test_surface_brightness_stays(tmp_path: Path, unit: str) -> None:
    head, side = GRIDS["coarse"]
    save(tmp_path / "g.fits", np.full((SIDE, SIDE), 3, "f4"), header(side=SIDE), BUNIT=unit)
    save(tmp_path / "r.fits", np.full((side, side), 3, "f4"), head, BUNIT=unit)
    assert np.allclose(read_cutouts(catalog(tmp_path, "g", "r")).pixels, 3)


@pytest.mark.parametrize("unit", ["", "nJy", "ELECTRONS/S", "DN / pix"])
def test_flux_in_a_pixel_goes_with_its_area(tmp_path: Path, unit: str) -> None:
    cards = {"BUNIT": unit} if unit else {}
    head, side = GRIDS["coarse"]
    save(tmp_path / "g.fits", np.full((SIDE, SIDE), 3, "f4"), header(side=SIDE), **cards)
    save(tmp_path / "r.fits", np.full((side, side), 3, "f4"), head, **cards)
    g, r = read_cutouts(catalog(tmp_path, "g", "r")).pixels[0]
    assert (g == 3).all()
    assert np.allclose(r, 0.75)


def test_magnitudes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CutoutError, match=r"band r: holds magnitudes \(mag/arcsec2\)"):
        galaxy(tmp_path, "turned", BUNIT="mag/arcsec2")


def test_the_order_of_bands_does_not_decide(tmp_path: Path) -> None:
    g, r = galaxy(tmp_path, "coarse")
    swapped = read_cutouts(catalog(tmp_path, "r", "g"))
    assert swapped.bands == ("r", "g")
    assert np.array_equal(swapped.pixels[0], [r, g], equal_nan=True)


def test_grids_that_agree_are_stacked_as_they_are(tmp_path: Path) -> None:
    """Rounded cards, other reference points of one grid, and other cards between."""
    pixels = np.random.default_rng(0).normal(size=(3, SIDE, SIDE)).astype("f4")
    near = header(side=SIDE, CRVAL1=150.000000001, CD1_1=-1.0000001e-4, DATE="2020-01-01")
    moved = header(side=SIDE, shift=0.03)
    for name, plane, head in zip("gri", pixels, (header(side=SIDE), near, moved), strict=True):
        save(tmp_path / f"{name}.fits", plane, head)
    assert np.array_equal(read_cutouts(catalog(tmp_path, *"gri")).pixels[0], pixels)


def test_a_shift_by_whole_pixels_is_a_copy(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype("f4")
    save(tmp_path / "g.fits", pixels, header(side=SIDE))
    save(tmp_path / "r.fits", pixels[5:, 3:], header(side=SIDE, CRPIX1=21.5, CRPIX2=19.5))
    g, r = read_cutouts(catalog(tmp_path, "g", "r")).pixels[0]
    assert np.array_equal(g, pixels)
    assert np.isnan(r[:5]).all()
    assert np.array_equal(r[5:, 3:], pixels[5:, 3:])


@pytest.mark.parametrize("suffix", [".fits", ".fits.gz", ".fits.fz"])
def test_every_way_of_reading_compares(tmp_path: Path, suffix: str) -> None:
    head, side = GRIDS["mirrored"]
    for name, each in (("g", header(side=SIDE)), ("r", head)):
        pixels = sampled(each, side)
        if suffix == ".fits.fz":
            hdu = fits.CompImageHDU(pixels, each, compression_type="GZIP_1", quantize_level=0)
            fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / f"{name}{suffix}")
        else:
            fits.writeto(tmp_path / f"{name}{suffix}", pixels, each)
    (tmp_path / "c.csv").write_text(f"id,file_g,file_r\na,g{suffix},r{suffix}\n")
    g, r = read_cutouts(tmp_path / "c.csv").pixels[0]
    assert np.nanmax(np.abs(r - g)) < 1e-3 * g.max()


def test_bands_in_the_extensions_of_one_file(tmp_path: Path) -> None:
    head, _ = GRIDS["turned"]
    hdus = [
        fits.ImageHDU(sampled(each, SIDE), fits.Header({**each, "FILTER": name}))
        for name, each in (("g", header(side=SIDE)), ("r", head))
    ]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "a.fits")
    g, r = read_cutout(tmp_path / "a.fits").pixels
    assert np.nanmax(np.abs(r - g)) < 0.07 * g.max()


def test_the_coordinates_of_a_cutout_are_those_of_its_pixels(tmp_path: Path) -> None:
    fine = header(0.7e-4, 10, side=SIDE)
    hdus = [
        fits.ImageHDU(sampled(each, SIDE), fits.Header({**each, "FILTER": name}))
        for name, each in (("g", header(side=SIDE)), ("r", fine))
    ]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "a.fits")
    found = read_cutout(tmp_path / "a.fits")
    assert np.array_equal(found.pixels[1], sampled(fine, SIDE))
    assert found.wcs.wcs.crpix[0] == fine["CRPIX1"]
    assert found.wcs.pixel_scale_matrix[1, 1] == pytest.approx(fine["CD2_2"])


def test_noise_masks_and_segments_go_with_their_band(tmp_path: Path) -> None:
    head, _ = GRIDS["mirrored"]
    mask, noise = np.zeros((SIDE, SIDE), "u1"), np.full((SIDE, SIDE), 2, "f4")
    mask[10, 5] = 1
    noise[20, 7] = 4
    for name, each in (("g", header(side=SIDE)), ("r", head)):
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(sampled(each, SIDE), each, name="SCI")]
        hdus += [fits.ImageHDU(noise, name="ERR"), fits.ImageHDU(mask, name="MASK")]
        fits.HDUList(hdus).writeto(tmp_path / f"{name}.fits")
    found = read_cutouts(catalog(tmp_path, "g", "r"))
    assert np.argwhere(np.isnan(found.pixels[0])).tolist() == [[0, 10, 5], [1, 10, SIDE - 6]]
    assert found.noise is not None
    assert found.noise[0, 0, 20, 7] == pytest.approx(4)
    assert found.noise[0, 1, 20, SIDE - 8] == pytest.approx(4, rel=1e-5)


def test_sidecar_files_are_applied_before(tmp_path: Path) -> None:
    galaxy(tmp_path, "mirrored")
    mask = np.zeros((SIDE, SIDE), "u1")
    mask[10, 5] = 1
    fits.writeto(tmp_path / "m.fits", mask)
    for columns, cells in (("mask_r", "m.fits"), ("mask", "m.fits")):
        (tmp_path / "c.csv").write_text(f"id,file_g,file_r,{columns}\na,g.fits,r.fits,{cells}\n")
        if columns == "mask":
            with pytest.raises(CutoutError, match=r"nothing says on which m\.fits lies"):
                read_cutouts(tmp_path / "c.csv")
        else:
            bad = np.isnan(read_cutouts(tmp_path / "c.csv").pixels[0])
            assert np.argwhere(bad).tolist() == [[1, 10, SIDE - 6]]


def test_what_cannot_be_aligned_is_refused(tmp_path: Path) -> None:
    galaxy(tmp_path, "turned")
    elsewhere = header(side=SIDE, CRVAL1=30.0)
    save(tmp_path / "far.fits", sampled(header(side=SIDE), SIDE), elsewhere)
    with pytest.raises(CutoutError, match="band far: lies elsewhere on the sky than band g"):
        read_cutouts(catalog(tmp_path, "g", "far"))
    save(tmp_path / "odd.fits", sampled(header(side=SIDE), SIDE), header(side=SIDE, CD1_1=0.0))
    with pytest.raises(CutoutError, match=r"band odd: .*make no sense|elsewhere"):
        read_cutouts(catalog(tmp_path, "g", "odd"))
    fits.writeto(tmp_path / "none.fits", sampled(header(side=SIDE), SIDE))
    with pytest.raises(CutoutError, match="band none: has no celestial coordinates"):
        read_cutouts(catalog(tmp_path, "g", "r", "none"))
    fits.writeto(tmp_path / "small.fits", np.zeros((20, 20), "f4"))
    with pytest.raises(CutoutError, match="differ in size: g has 48 x 48 pixels, small has 20"):
        read_cutouts(catalog(tmp_path, "g", "small"))
    assert read_cutouts(catalog(tmp_path, "g", "none")).pixels.shape == (1, 2, SIDE, SIDE)
