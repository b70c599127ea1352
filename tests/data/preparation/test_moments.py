"""Center, extent and direction of light: against analytic profiles and scikit-image."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaincinv
from skimage.measure import regionprops

from galfeat.data.preparation.moments import LightShape, light_shape


def _measured(light: NDArray[np.floating], region: NDArray[np.bool_] | None = None) -> LightShape:
    found = light_shape(light, np.ones(light.shape, bool) if region is None else region)
    assert found is not None
    return found


def _disc(
    scale: float,
    center: tuple[float, float] = (60, 60),
    ratio: float = 1,
    angle: float = 0,
    size: int = 121,
) -> NDArray[np.float64]:
    """Return an exponential disc averaged over 5 x 5 points of each pixel."""
    fine = (np.arange(size * 5) - 2) / 5
    dy, dx = fine[:, None] - center[0], fine[None] - center[1]
    u, v = dx * math.cos(angle) + dy * math.sin(angle), dy * math.cos(angle) - dx * math.sin(angle)
    light: NDArray[np.float64] = (
        np.exp(-np.hypot(u, v / ratio) / scale).reshape(size, 5, size, 5).mean(axis=(1, 3))
    )
    return light


@given(y=st.floats(8, 12), x=st.floats(8, 12), sigma=st.floats(0.8, 2))
@settings(max_examples=40, deadline=None)
def test_the_center_of_a_gaussian_at_any_part_of_a_pixel(y: float, x: float, sigma: float) -> None:
    rows, columns = np.mgrid[:21, :21]
    found = _measured(np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2)))
    assert found.y == pytest.approx(y, abs=1e-3)
    assert found.x == pytest.approx(x, abs=1e-3)


@pytest.mark.parametrize("scale", [3, 5.5, 8])
@pytest.mark.parametrize("center", [(60, 60), (60.5, 59.7)])
def test_the_half_light_radius_of_an_exponential_disk(
    scale: float, center: tuple[float, float]
) -> None:
    """Half of the light of exp(-r / h) lies within 1.678 h, where the incomplete gamma function of
    order 2 is a half.
    """
    assert gammaincinv(2, 0.5) == pytest.approx(1.678, abs=1e-3)
    assert _measured(_disc(scale, center)).half_light == pytest.approx(
        gammaincinv(2, 0.5) * scale, rel=0.01
    )


def test_the_half_light_radius_of_a_gaussian_and_of_a_ring() -> None:
    y, x = np.mgrid[:61, :61] - 30.0
    assert _measured(np.exp(-(x**2 + y**2) / (2 * 6**2))).half_light == pytest.approx(
        6 * math.sqrt(2 * math.log(2)), rel=0.01
    )
    radius = np.hypot(x, y)
    assert _measured(((radius > 14) & (radius < 16)).astype(float)).half_light == pytest.approx(
        15, abs=0.2
    )


def test_one_pixel_and_three_by_pencil() -> None:
    """Light 1 2 1 in a row: center 1; half of the 4 is the middle's 1 of 2 and halfway further 1,
    so at (2 - 1) / (3 - 1) of a pixel.
    """
    one = _measured(np.array([[0.0, 5.0], [0.0, 0.0]]))
    assert (one.y, one.x, one.half_light) == (0, 1, 0)
    three = _measured(np.array([[1.0, 2.0, 1.0]]))
    assert (three.y, three.x, three.angle, three.axis_ratio) == (0, 1, 0, 0)
    assert three.half_light == pytest.approx(0.5)


@pytest.mark.parametrize("angle", np.linspace(-1.5, 1.5, 7))
@pytest.mark.parametrize("ratio", [0.3, 0.8])
def test_direction_and_axis_ratio_are_those_of_scikit_image(angle: float, ratio: float) -> None:
    """Its orientation is counted from the axis of rows, and is that of the region: flat light makes
    the two one.
    """
    light = _disc(6, ratio=ratio, angle=angle)
    region = light > 0.1
    [theirs] = regionprops(region.astype(int))  # type: ignore[no-untyped-call]
    flat = _measured(region.astype(float))
    assert math.cos(2 * (math.pi / 2 - flat.angle - theirs.orientation)) == pytest.approx(
        1, abs=1e-9
    )
    assert math.cos(2 * (flat.angle - angle)) == pytest.approx(1, abs=1e-3)
    # they add a pixel's own spread
    assert flat.axis_ratio == pytest.approx(
        theirs.axis_minor_length / theirs.axis_major_length, rel=0.01
    )
    assert (flat.y, flat.x) == pytest.approx(theirs.centroid)


def test_weighted_moments_are_those_of_scikit_image() -> None:
    light = np.random.default_rng(0).random((30, 40)) * _disc(4, (14, 22), 0.4, 0.5, 40)[:30]
    [theirs] = regionprops(np.ones(light.shape, int), light)  # type: ignore[no-untyped-call]
    found = _measured(light)
    assert (found.y, found.x) == pytest.approx(theirs.centroid_weighted)
    mu = theirs.moments_weighted_central
    assert math.tan(2 * found.angle) == pytest.approx(2 * mu[1, 1] / (mu[0, 2] - mu[2, 0]))


@pytest.mark.parametrize("angle", [0.2, 1.0, 2.5, -0.4, -1.7, -3.0])
def test_the_axis_points_to_the_longer_tail(angle: float) -> None:
    light = _disc(5, ratio=0.5, angle=angle)
    y, x = np.mgrid[:121, :121] - 60.0
    light += 0.2 * np.exp(-((x - 20 * math.cos(angle)) ** 2 + (y - 20 * math.sin(angle)) ** 2) / 18)
    found = _measured(light)
    assert math.cos(found.angle - angle) > 0.99
    assert -math.pi < found.angle <= math.pi


def test_bad_pixels_and_those_outside_the_region_do_not_count() -> None:
    light = _disc(5)
    region = np.hypot(*(np.mgrid[:121, :121] - 60)) < 30
    expected = _measured(np.where(region, light, 0))
    spoiled = np.where(region, light, 1e9)
    found = _measured(spoiled, region)
    assert (found.y, found.x, found.half_light) == pytest.approx(
        (expected.y, expected.x, expected.half_light)
    )
    for value in (np.nan, np.inf):
        holed = light.copy()
        holed[60, 70] = value
        assert _measured(holed, region) == _measured(
            light, region & (np.arange(121 * 121).reshape(121, 121) != 60 * 121 + 70)
        )


def test_without_light_there_is_no_shape() -> None:
    zero = np.zeros((5, 5))
    assert light_shape(zero, np.ones((5, 5), bool)) is None
    assert light_shape(zero - 1, np.ones((5, 5), bool)) is None
    assert light_shape(zero + 1, np.zeros((5, 5), bool)) is None
    assert light_shape(zero + np.nan, np.ones((5, 5), bool)) is None
    nearly = np.array([[100.0, 0, 0, 0, -99.9]])  # its center would lie four hundred pixels away
    assert light_shape(nearly, np.ones((1, 5), bool)) is None
