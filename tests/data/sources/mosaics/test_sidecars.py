"""Noise maps, masks and segments in the files of mosaics."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from tests.data.sources.source_files import catalog, read

from galfeat import UsageError
from galfeat.data import open_source

SIDE = 20
RAMP = np.arange(SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)


def mosaic(path: Path, *hdus: tuple[str, Any], packed: bool = False) -> Path:
    kind: Any = fits.CompImageHDU if packed else fits.ImageHDU
    fits.HDUList([fits.PrimaryHDU(), *(kind(pixels, name=name) for name, pixels in hdus)]).writeto(
        path
    )
    return path


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    return catalog(tmp_path / "c.csv", "id,x,y\nin,10,10\nedge,0,0\n")


@pytest.mark.parametrize("packed", [False, True])
def test_ancillary_images_of_a_mosaic_are_cut_out(
    tmp_path: Path, positions: Path, packed: bool
) -> None:
    variance = np.square(RAMP.astype("i4") % 7 + 1)
    variance[10, 11] = 0
    flags = np.zeros((SIDE, SIDE), "i4")
    flags[9, 9] = 2
    segments = np.zeros((SIDE, SIDE), "i4")
    segments[8:12, 8:12] = 70001
    hdus = [
        ("SCI", RAMP.astype("i4")),
        ("VAR", variance),
        ("DQ", flags),
        ("SEGMAP", segments),
        ("WHT", flags),
    ]
    path = mosaic(tmp_path / "m.fits", *hdus, packed=packed)
    inside, edge = read(open_source(path, positions=positions, size_pixels=6)).cutouts
    window = (slice(7, 13), slice(7, 13))
    bad = np.zeros((6, 6), bool)
    bad[10 - 7, 11 - 7] = bad[9 - 7, 9 - 7] = True
    assert np.array_equal(inside.pixels[0], np.where(bad, np.nan, RAMP[window]), equal_nan=True)
    expected = np.where(variance > 0, np.sqrt(variance), np.nan)[window].astype("f4")
    assert inside.noise is not None
    assert np.array_equal(inside.noise[0], expected, equal_nan=True)
    assert inside.segmentation is not None
    assert np.array_equal(inside.segmentation, segments[window])
    assert edge.noise is not None
    assert np.isnan(edge.noise[0, :3]).all()
    assert np.array_equal(edge.noise[0, 3:, 3:], np.sqrt(variance[:3, :3]))
    [alone, _] = read(
        open_source(path, positions=positions, size_pixels=6, companions=False)
    ).cutouts
    assert alone.noise is None
    assert alone.segmentation is None
    assert np.isfinite(alone.pixels).all()
    [chosen, _] = read(open_source(path, positions=positions, size_pixels=6, bad_bits=1)).cutouts
    assert np.isnan(chosen.pixels).sum() == 1


def test_bands_have_their_own(tmp_path: Path, positions: Path) -> None:
    ones = np.ones((SIDE, SIDE), "f4")
    path = mosaic(
        tmp_path / "m.fits", ("g", RAMP), ("r", RAMP), ("ERR_G", ones), ("ERR_R", 2 * ones)
    )
    inside, _ = read(open_source(path, positions=positions, size_pixels=4)).cutouts
    assert inside.noise is not None
    assert inside.noise[:, 0, 0].tolist() == [1, 2]
    mask = (RAMP == 210).astype("u1")
    cube = mosaic(
        tmp_path / "n.fits",
        ("SCI", np.stack([RAMP, RAMP])),
        ("ERR", np.stack([ones, 3 * ones])),
        ("MASK", mask),
    )
    inside, _ = read(open_source(cube, positions=positions, size_pixels=4)).cutouts
    assert inside.noise is not None
    assert inside.noise[:, 0, 0].tolist() == [1, 3]
    assert np.argwhere(np.isnan(inside.pixels)).tolist() == [[0, 2, 2], [1, 2, 2]]
    some = mosaic(tmp_path / "o.fits", ("g", RAMP), ("r", RAMP), ("ERR_G", ones))
    assert read(open_source(some, positions=positions, size_pixels=4)).cutouts[0].noise is None


def test_ancillary_images_of_another_size_are_refused(tmp_path: Path, positions: Path) -> None:
    path = mosaic(tmp_path / "m.fits", ("SCI", RAMP), ("ERR", RAMP[1:]))
    with pytest.raises(
        UsageError, match="ERR has 19 x 20 pixels, which do not match its 20 x 20 pixels"
    ):
        open_source(path, positions=positions, size_pixels=4)
