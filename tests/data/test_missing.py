"""Regions of one value are missing data; pictures, photon counts and models are not."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data.missing import describe_missing, mask_missing, missing_pixels

Image = NDArray[np.float32]
N = 64
Y, X = np.mgrid[:N, :N] - (N - 1) / 2


def galaxy(seed: int = 0, sky: float = 50, noise: float = 1, flux: float = 30) -> Image:
    light = flux * np.exp(-np.hypot(X, Y / 0.6) / 5)
    return (sky + light + np.random.default_rng(seed).normal(0, noise, (N, N))).astype(np.float32)


def strip(width: int, turn: int = 0) -> NDArray[np.bool_]:
    return np.rot90(np.arange(N)[:, np.newaxis] < width, turn) & np.ones((N, N), bool)


GAPS = {
    "half": strip(32),
    "left": strip(16, 1),
    "bottom": strip(7, 2),
    "right": strip(2, 3),
    "frame": np.maximum(abs(X), abs(Y)) > 25,
    "turned mosaic": X + 0.7 * Y > 28,
    "gap between detectors": abs(X - 10) < 2,
    "masked star": np.hypot(X - 15, Y + 12) < 7,
    "two corners": abs(X + Y) > 45,
    "nothing": np.zeros((N, N), bool),
}


@pytest.mark.parametrize("value", [0.0, -999.0, 1e30, 47.5])
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("sky", [0.0, 50.0])
def test_a_gap_is_found_whatever_fills_it(gap: str, value: float, sky: float) -> None:
    image = np.where(GAPS[gap], np.float32(value), galaxy(sky=sky))
    found = missing_pixels(image)
    if gap == "nothing":
        assert found is None
    elif gap == "masked star" and value > galaxy(sky=sky).max():
        assert found is None  # the largest value away from the edges is saturation
    else:
        assert found is not None
        np.testing.assert_array_equal(found, GAPS[gap])


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("sky", [40, 1000])
def test_integers_with_a_gap(turn: int, sky: int) -> None:
    counts = np.random.default_rng(3).poisson(sky, (N, N)).astype(np.float32)
    image = np.where(strip(9, turn), np.float32(0), counts)
    np.testing.assert_array_equal(missing_pixels(image), strip(9, turn))


def test_zeros_in_a_sky_around_zero_stay() -> None:
    """Integers around zero: the block is missing, and zeros by chance are not."""
    noise = np.round(np.random.default_rng(0).normal(0, 3, (N, N))).astype(np.float32)
    image = np.where(strip(20), np.float32(0), noise)
    found = missing_pixels(image)
    assert found is not None
    assert found[strip(20)].all()
    assert np.count_nonzero(found & ~strip(20)) < 40  # zeros that happen to touch the block


def test_bad_pixels_beside_a_gap() -> None:
    image = np.where(GAPS["left"], np.float32(0), galaxy())
    image[:, 20:24] = np.nan
    image[40:50, 30:40] = np.inf
    np.testing.assert_array_equal(missing_pixels(image), GAPS["left"])


def photons(mean: float, seed: int = 1) -> Image:
    light = mean + 4 * np.exp(-np.hypot(X, Y) / 4)
    return np.random.default_rng(seed).poisson(light).astype(np.float32)


def _response(seed: int = 0) -> Image:
    """Counts over an exposure that varies from pixel to pixel, as GALEX's intensity maps."""
    return (photons(0.03, seed) / (1000 + 2 * X + Y)).astype(np.float32)


def _smooth(sky: float = 0) -> Image:
    return (1e3 * np.exp(-(X**2 + Y**2) / 8) + sky).astype(np.float32)


def _truncated(radius: float) -> Image:
    light = np.exp(-np.hypot(X, Y / 0.8) / 3)
    return np.where(np.hypot(X, Y / 0.8) < radius, light, 0).astype(np.float32)


def _saturated(at: float, noise: float = 1) -> Image:
    light = 5000 * np.exp(-(np.hypot(X - at, Y) ** 2) / 60)
    return np.minimum(light + galaxy(noise=noise), 900).astype(np.float32)


NOT_MISSING: dict[str, Callable[[], Image]] = {
    "noise": lambda: galaxy(sky=0),
    "sparse photons": lambda: photons(0.002),
    "few photons": lambda: photons(0.05),
    "photons": lambda: photons(0.5),
    "more photons": lambda: photons(2),
    "photons in a unit": lambda: photons(0.05) * np.float32(3.7e-9),
    "photons over exposure": _response,
    "coarse counts": lambda: np.round(galaxy(sky=10, noise=0.4)),
    "finer counts": lambda: np.round(galaxy(sky=10, noise=1)),
    "negative values set to zero": lambda: np.maximum(galaxy(sky=0), 0),
    "most values set to zero": lambda: np.maximum(galaxy(sky=-1.5), 0),
    "Gaussian without noise": _smooth,
    "Gaussian on a level": lambda: _smooth(sky=100),
    "exponential without noise": lambda: np.exp(-np.hypot(X, Y) * 5).astype(np.float32),
    "truncated at five scale lengths": lambda: _truncated(15),
    "saturated center": lambda: _saturated(0),
    "saturated star at the edge": lambda: _saturated(30, noise=0.1),
    "black sky of a picture": lambda: np.round(
        np.clip(ndimage.gaussian_filter(galaxy(sky=-1, flux=250), 1.5), 0, 255)
    ),
    "one value": lambda: np.full((N, N), 3, np.float32),
    "tiny": lambda: np.zeros((8, 8), np.float32),
    "all bad": lambda: np.full((N, N), np.nan, np.float32),
}


@pytest.mark.parametrize("name", NOT_MISSING)
def test_what_is_not_missing(name: str) -> None:
    image = NOT_MISSING[name]().astype(np.float32)
    assert missing_pixels(image) is None


@pytest.mark.parametrize("seed", range(5))
def test_photons_of_other_seeds(seed: int) -> None:
    for mean in (0.001, 0.01, 0.1, 0.3, 1.0):
        assert missing_pixels(photons(mean, seed)) is None
    assert missing_pixels(_response(seed)) is None


def test_photon_counts_beyond_the_detector() -> None:
    """Zeros where a mean of eight counts hardly has any are no counts."""
    image = np.where(strip(20), np.float32(0), photons(8))
    found = missing_pixels(image)
    assert found is not None
    assert found[strip(20)].all()
    assert np.count_nonzero(found & ~strip(20)) < 30


def test_each_band_by_itself() -> None:
    pixels = np.stack([galaxy(0), np.where(GAPS["left"], np.float32(0), galaxy(1)), galaxy(2)])
    before = pixels.copy()
    masked, missing = mask_missing(pixels)
    assert missing == (0, 1024, 0)
    np.testing.assert_array_equal(pixels, before)
    np.testing.assert_array_equal(np.isnan(masked[1]), GAPS["left"])
    assert np.isfinite(masked[[0, 2]]).all()
    assert describe_missing(missing, ("g", "r", "i"), 4096).startswith("25 % of band r is one")


def test_nothing_missing_is_no_copy() -> None:
    pixels = galaxy()[np.newaxis]
    masked, missing = mask_missing(pixels)
    assert masked is pixels
    assert missing == ()


@pytest.mark.parametrize("shape", [(16, 40), (127, 65), (200, 31), (33, 300)])
def test_other_shapes(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    assert mask_missing(image[np.newaxis])[1] == ()
    for turn in range(4):
        turned = np.rot90(image, turn).copy()
        turned[-2:] = 0
        masked, missing = mask_missing(turned[np.newaxis])
        assert missing == (2 * turned.shape[1],)
        assert np.isnan(masked[0, -2:]).all()
