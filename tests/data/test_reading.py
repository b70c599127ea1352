"""Cutouts into memory in one call."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from galfeat import CutoutError, UsageError
from galfeat.data import Preparation, prepare, read_cutout, read_cutouts


def noise(seed: int, *shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(100, 5, shape or (40, 40)).astype(np.float32)


def save(path: Path, pixels: np.ndarray[Any, Any], **cards: Any) -> Path:
    hdu = fits.PrimaryHDU(pixels)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def test_a_folder_is_a_batch_with_its_catalog(tmp_path: Path) -> None:
    for seed in range(3):
        save(tmp_path / f"{seed}.fits", noise(seed), FILTER="r")
    (tmp_path / "catalog.csv").write_text("id,file,label\nb,1.fits,agn\na,2.fits,\n")
    batch = read_cutouts(tmp_path)
    assert (batch.ids, batch.bands, batch.labels.tolist()) == (("b", "a"), ("r",), ["agn", ""])
    assert np.array_equal(batch.pixels[:, 0], np.stack([noise(1), noise(2)]))


def test_many_galaxies_of_a_file_each_have_their_row(tmp_path: Path) -> None:
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(noise(0)), fits.ImageHDU(noise(1))]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    assert read_cutouts(tmp_path).ids == ("a[0]", "a[1]")
    (tmp_path / "catalog.csv").write_text("id,file,hdu,label\nx,a.fits,1,agn\ny,a.fits,2,\n")
    batch = read_cutouts(tmp_path)
    assert batch.catalog is not None
    assert batch.catalog.to_pydict() == {
        "id": ["x", "y"],
        "file": ["a.fits"] * 2,
        "hdu": [1, 2],
        "label": ["agn", ""],
    }
    (tmp_path / "catalog.csv").write_text("id,file,label\nx,a.fits,agn\n")
    with pytest.raises(CutoutError, match="holds 2 galaxies for one row of the catalog"):
        read_cutouts(tmp_path)


def test_preparation_brings_sizes_to_one_and_is_prepare(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", noise(0, 40, 50))
    save(tmp_path / "b.fits", noise(1, 60, 45))
    with pytest.raises(
        UsageError,
        match=(
            r"2 sizes, from 40 x 50 pixels to 60 x 45 pixels: pass "
            r"preparation=Preparation\(size=64\)"
        ),
    ):
        read_cutouts(tmp_path)
    prepared = read_cutouts(tmp_path, preparation=Preparation(size=24))
    assert prepared.pixels.shape == (2, 1, 24, 24)
    (tmp_path / "b.fits").unlink()
    assert np.array_equal(
        prepared.pixels[:1], prepare(read_cutouts(tmp_path), Preparation(size=24)).pixels
    )


def test_all_that_cannot_be_read_or_prepared_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", noise(0))
    (tmp_path / "b.fits").touch()
    save(tmp_path / "c.fits", np.zeros((40, 40), np.float32))
    save(tmp_path / "d.fits", noise(1), FILTER="r")
    with pytest.raises(CutoutError) as caught:
        read_cutouts(tmp_path, preparation=Preparation(size=24))
    assert caught.value.reasons == {
        1: "b (b.fits): is empty (0 bytes)",
        2: "c (c.fits): band band1 is constant",
        3: "d (d.fits): has no band band1; its bands are r",
    }


def test_bands_in_another_order_are_put_in_that_of_the_first(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", np.stack([noise(0), noise(1)]), BAND1="g", BAND2="r")
    save(tmp_path / "b.fits", np.stack([noise(1), noise(0)]), BAND1="r", BAND2="g")
    batch = read_cutouts(tmp_path)
    assert batch.bands == ("g", "r")
    assert np.array_equal(batch.pixels[0], batch.pixels[1])
    assert read_cutouts(tmp_path, bands=["r"]).pixels.shape == (2, 1, 40, 40)


SKY = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 150.0,
    "CRVAL2": 2.0,
    "CRPIX1": 20.5,
    "CRPIX2": 20.5,
    "CDELT1": -1e-4,
    "CDELT2": 1e-4,
}


def test_one_cutout_comes_with_its_place_in_the_sky(tmp_path: Path) -> None:
    cutout = read_cutout(save(tmp_path / "a.fits", noise(0), **SKY))
    assert (cutout.id, cutout.file, cutout.pixels.shape) == ("a", "a.fits", (1, 40, 40))
    assert np.allclose(cutout.wcs.wcs_pix2world(19.5, 19.5, 0), [150, 2])
    cube = read_cutout(save(tmp_path / "b.fits", noise(0, 3, 40, 40), **SKY))
    assert cube.wcs.naxis == 2


def test_without_coordinates_or_with_senseless_ones_there_are_none(tmp_path: Path) -> None:
    assert read_cutout(save(tmp_path / "a.fits", noise(0))).wcs is None
    assert (
        read_cutout(save(tmp_path / "b.fits", noise(0), **{**SKY, "CTYPE2": "RA---TAN"})).wcs
        is None
    )
    Image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(tmp_path / "c.png")
    assert read_cutout(tmp_path / "c.png").wcs is None


def test_one_of_many_is_chosen_by_its_extension(tmp_path: Path) -> None:
    second = fits.ImageHDU(noise(1))
    second.header.update(SKY)
    fits.HDUList([fits.PrimaryHDU(noise(0)), second]).writeto(tmp_path / "a.fits")
    with pytest.raises(UsageError, match="holds 2 galaxies; choose one by its extension"):
        read_cutout(tmp_path / "a.fits")
    cutout = read_cutout(tmp_path / "a.fits", hdu=1)
    assert cutout.id == "a[1]"
    assert np.array_equal(cutout.pixels[0], noise(1))
    assert cutout.wcs is not None


def test_one_cutout_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.fits").touch()
    with pytest.raises(CutoutError, match=r"a\.fits: is empty"):
        read_cutout(tmp_path / "a.fits")
    with pytest.raises(UsageError, match="there is no such file"):
        read_cutout(tmp_path / "b.fits")
    with pytest.raises(UsageError, match="is neither a FITS file nor a picture"):
        read_cutout(tmp_path)


def test_a_header_that_astropy_refuses_costs_the_coordinates_only(tmp_path: Path) -> None:
    fits.HDUList(
        [fits.PrimaryHDU(), fits.CompImageHDU(noise(1).astype("i4"), compression_type="RICE_1")]
    ).writeto(tmp_path / "a.fits")
    raw = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "a.fits").write_bytes(raw.replace(b"ZTILE2  =", b"A_ORDER :", 1))
    found = read_cutout(tmp_path / "a.fits", hdu=1)
    assert found.wcs is None
    np.testing.assert_array_equal(found.pixels[0], noise(1).astype("i4"))
