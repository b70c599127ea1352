"""Noise of the sky in differences of Gaussians: white and correlated, against repeated images."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.features.sift.keypoints.sky_noise import LAGS, response_noise, sky_covariances

RATIO = 2.0 ** (1 / 3)


def noise_images(blur: float, n: int = 6, side: int = 96) -> NDArray[np.float32]:
    white = np.random.default_rng(5).normal(size=(n, side, side))
    smooth = ndimage.gaussian_filter(white, (0, blur, blur), mode="wrap") if blur else white
    return np.asarray(smooth / smooth.std(), dtype=np.float32)


def doubled(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the image doubled by linear interpolation, as the paper does."""
    places = np.mgrid[: 2 * image.shape[0], : 2 * image.shape[1]] / 2
    return np.asarray(ndimage.map_coordinates(image.astype(float), places, order=1, mode="wrap"))


def difference(image: NDArray[np.float32], scale: float) -> NDArray[np.float64]:
    """Return the difference of Gaussians of an image that is blurred by half a pixel already."""
    large = doubled(image)
    one, two = (2 * (s**2 - 0.25) ** 0.5 for s in (scale, RATIO * scale))
    wide = ndimage.gaussian_filter(large, two, mode="wrap", truncate=6)
    return np.asarray(wide - ndimage.gaussian_filter(large, one, mode="wrap", truncate=6))


@pytest.mark.parametrize("blur", [0.0, 0.7])
def test_the_noise_of_the_responses_is_that_of_repeated_images(blur: float) -> None:
    images = noise_images(blur)
    everywhere = np.ones(images.shape, bool)
    scales = (0.76, 0.95, 1.2, 1.9, 3.0)
    told = response_noise(sky_covariances(images, everywhere, np.ones(6)), scales, RATIO).mean(0)
    seen = [np.std([difference(image, scale) for image in images]) for scale in scales]
    assert told == pytest.approx(seen, rel=0.1)
    white = np.zeros((1, LAGS + 1, 2 * LAGS + 1))
    white[0, 0, LAGS] = 1
    alone = response_noise(white, scales, RATIO)[0]
    assert (alone < 0.7 * told).any() == bool(blur), "what correlation adds is not small"


def test_covariances_are_those_of_smoothed_noise_whatever_the_light() -> None:
    """Noise smoothed by a Gaussian has the covariance of a Gaussian sqrt(2) times as wide."""
    images = noise_images(0.8, 8)
    sky = np.ones(images.shape, bool)
    dy, dx = np.mgrid[: LAGS + 1, -LAGS : LAGS + 1]
    expected = np.exp(-(dy**2 + dx**2) / (4 * 0.8**2))
    expected[0, :LAGS] = 0  # each pair once
    assert sky_covariances(images, sky, np.ones(8)).mean(0) == pytest.approx(expected, abs=0.06)
    y, x = np.indices(images.shape[1:])
    lit = images + (0.5 * x - 0.3 * y).astype(np.float32)
    lit[:, 40:44, 40:44] += 100  # a source that is missing from the map
    lit[:, 60:70, 10:20] = np.nan
    sky[:, 60:70, 10:20] = False
    found = sky_covariances(lit, sky, np.ones(8))
    assert found.mean(0) == pytest.approx(expected, abs=0.08)


def test_covariances_are_those_of_a_slow_measurement() -> None:
    (image,) = noise_images(0.8, 1, 40)
    sky = np.random.default_rng(0).random(image.shape) < 0.9
    (found,) = sky_covariances(image[None], sky[None], np.ones(1))

    def rest(pairs: tuple[tuple[int, int], ...], limit: float) -> tuple[float, float]:
        a, b, c, d = pairs
        sizes = []
        for y, x in np.argwhere(sky):
            places = [(y + dy - a[0], x + dx - a[1]) for dy, dx in (a, b, c, d)]
            if all(0 <= i < 40 and 0 <= j < 40 and sky[i, j] for i, j in places):
                one, two, three, four = (float(image[place]) for place in places)
                sizes.append(one - two - three + four)
        kept = [size for size in sizes if size**2 <= 4 * limit**2]
        return float(np.mean(np.square(kept)) / 4), 1.4826022 / 2 * float(np.median(np.abs(sizes)))

    corners = ((0, 0), (0, 7), (7, 0), (7, 7))
    limit = 3 * rest(corners, np.inf)[1]
    variance, _ = rest(corners, limit)
    assert found[0, LAGS] == pytest.approx(variance, rel=1e-4)
    for dy, dx, wy, wx in ((0, 1, 7, 0), (1, 0, 0, 7), (1, -1, 0, 7)):
        other, _ = rest(((0, 0), (dy, dx), (wy, wx), (dy + wy, dx + wx)), limit)
        assert found[dy, LAGS + dx] == pytest.approx(variance - other, rel=1e-3)


def test_too_little_sky_has_white_noise_of_the_size_given() -> None:
    images = noise_images(0.8, 2, 32)
    sky = np.zeros(images.shape, bool)
    sky[0, :15, :14] = True  # 8 x 7 squares of 8 pixels
    sky[1, :15, :15] = True  # 8 x 8
    found = sky_covariances(images, sky, np.array([3.0, 3.0]))
    assert found[0, 0, LAGS] == 9
    assert np.count_nonzero(found[0]) == 1
    assert 0 < found[1, 0, LAGS] < 4
