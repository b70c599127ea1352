"""Exact resampling: reproject's numbers, conserved flux, and values by hand."""

from typing import Any

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.typing import NDArray
from tests.data.grids.sky_images import header

from galfeat.data.grids.align import map_image
from galfeat.data.grids.pixel_maps import PixelMap, map_pixels
from galfeat.data.grids.resampling import resample_exactly, resample_labels

TARGET = WCS(header())
GRIDS = {
    "turned": (header(turned=40), 32),
    "mirrored": (header(mirror=-1), 32),
    "shifted": (header(shift=0.3), 32),
    "coarse": (header(1.7e-4, 33, side=30), 30),
    "fine": (header(0.6e-4, 20, side=70), 70),
    "fk5": (header(turned=10, RADESYS="FK5"), 32),
}
# of reproject 0.21, reproject_exact to 32 x 32 pixels; and how many are less than half covered
PLACES = [(16, 16), (14, 20), (22, 9), (8, 11), (25, 17)]
REPROJECT = {
    "turned": ([729.16317, 262.42254, 44.49970, 99.80829, 97.93479], 172),
    "mirrored": ([590.09613, 246.11923, 98.98654, 80.36996, 38.29219], 0),
    "shifted": ([744.06074, 474.46719, 62.98216, 59.25640, 42.97737], 0),
    "coarse": ([709.75507, 459.82325, 144.40375, 213.57905, 227.76706], 0),
    "fine": ([738.80940, 162.86549, 4.03952, 12.02525, 12.11516], 0),
    "fk5": ([712.41672, 418.36873, 52.69934, 64.14906, 50.63619], 73),
}


def image(side: int) -> NDArray[np.float32]:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.asarray(1000 * np.exp(-np.hypot(x - 2, y / 0.6) / 5) + 0.5 * x, "f4")


@pytest.mark.parametrize("name", GRIDS)
def test_the_numbers_of_reproject(name: str) -> None:
    head, side = GRIDS[name]
    there = map_image(TARGET, WCS(head), (32, 32))
    found = resample_exactly(image(side), there.corners(), conserve_flux=False).pixels
    numbers, bad = REPROJECT[name]
    assert [found[place] for place in PLACES] == pytest.approx(numbers, rel=3e-6)
    assert np.isnan(found).sum() == bad


@pytest.mark.parametrize("name", ["turned", "mirrored", "shifted", "coarse", "fk5"])
def test_flux_is_conserved(name: str) -> None:
    head, side = GRIDS[name]
    there = map_image(TARGET, WCS(head), (32, 32))
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    spot = np.exp(-(x**2 + y**2) / 8).astype("f4")
    found = resample_exactly(spot, there.corners(), conserve_flux=True).pixels
    assert np.nansum(found) == pytest.approx(spot.sum(), rel=1e-5)


def corners_of(scale: float, shift: float, side: int) -> NDArray[np.float64]:
    edges = np.arange(side + 1) * scale + shift - 0.5
    return np.stack(np.meshgrid(edges, edges), axis=-1)


def test_means_and_sums_by_hand() -> None:
    old = np.arange(16, dtype="f4").reshape(4, 4)
    noise = np.full((4, 4), 2, "f4")
    mean = resample_exactly(old, corners_of(2, 0, 2), conserve_flux=False, noise=noise)
    assert mean.pixels.tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert mean.noise is not None
    assert (mean.noise == 1).all()  # 2 / sqrt(4)
    flux = resample_exactly(old, corners_of(2, 0, 2), conserve_flux=True, noise=noise)
    assert flux.pixels.tolist() == [[10, 18], [42, 50]]
    assert flux.noise is not None
    assert (flux.noise == 4).all()
    half = resample_exactly(old, corners_of(1, 0.5, 3), conserve_flux=True).pixels
    assert half[0].tolist() == [2.5, 3.5, 4.5]
    small = resample_exactly(old, corners_of(0.5, 0, 8), conserve_flux=True).pixels
    assert small[0].tolist() == [0, 0, 0.25, 0.25, 0.5, 0.5, 0.75, 0.75]


def test_bad_pixels_stay_out_of_the_sums() -> None:
    old = np.ones((4, 4), "f4")
    old[0, :2] = old[1, 0] = np.nan
    old[0, 2] = np.inf
    found = resample_exactly(old, corners_of(2, 0, 2), conserve_flux=True).pixels
    assert np.isnan(found[0, 0])  # a quarter of it is good
    assert found[0, 1] == 4  # three quarters are
    beyond = resample_exactly(np.ones((4, 4), "f4"), corners_of(1, -0.6, 4), conserve_flux=False)
    assert np.isnan(beyond.pixels[0]).all()
    assert np.isfinite(beyond.pixels[1:, 1:]).all()


def test_a_turn_by_a_right_angle_moves_pixels() -> None:
    old = np.arange(20, dtype="f4").reshape(4, 5)
    corners = np.stack(np.meshgrid(np.arange(6) - 0.5, np.arange(5) - 0.5), axis=-1)
    turned = resample_exactly(old, corners.transpose(1, 0, 2), conserve_flux=True).pixels
    assert np.array_equal(turned, old.T)


def test_the_map_by_nodes_is_that_of_every_pixel() -> None:
    """Also with the distortion of a camera."""
    bent = header(1.1e-4, 25, side=40)
    bent.update(CTYPE1="RA---TAN-SIP", CTYPE2="DEC--TAN-SIP", A_ORDER=2, B_ORDER=3)
    bent.update(A_2_0=2e-5, A_1_1=1e-5, B_0_2=-2e-5, B_3_0=1e-7)
    there = map_image(TARGET, WCS(bent), (32, 48))
    x, y = np.meshgrid(np.arange(49) - 0.5, np.arange(33) - 0.5)
    direct = np.stack(map_pixels(TARGET, WCS(bent), x, y), axis=-1)
    assert np.abs(there.corners() - direct).max() < 1e-4
    x, y = np.meshgrid(np.arange(48.0), np.arange(32.0))
    direct = np.stack(map_pixels(TARGET, WCS(bent), x, y), axis=-1)
    assert np.abs(there.centers() - direct).max() < 1e-4


@pytest.mark.parametrize(
    ("cards", "shift"),
    [
        ({}, (0, 0)),
        ({"CRPIX1": 19.5, "CRPIX2": 10.5}, (-6, 3)),
        ({"CRPIX1": 16.52}, (0, 0)),
        ({"CRPIX1": 16.6}, None),
        ({"CD1_1": -1.02e-4}, None),
    ],
)
def test_shifts_by_whole_pixels(cards: dict[str, Any], shift: tuple[int, int] | None) -> None:
    other = header()
    other.update(cards)
    assert map_image(TARGET, WCS(other), (32, 32)).shift == shift


def test_labels_are_those_under_the_centers() -> None:
    labels = np.array([[1, 2], [3, 4]], "i4")
    nodes = np.stack(np.meshgrid(np.linspace(-0.5, 1.5, 5), np.linspace(-0.5, 2.5, 5)), axis=-1)
    found = resample_labels(labels, PixelMap(nodes, (6, 4)).centers())
    assert found.tolist() == [[1, 1, 2, 2]] * 2 + [[3, 3, 4, 4]] * 2 + [[0] * 4] * 2
