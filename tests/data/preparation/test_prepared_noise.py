"""The noise map of prepared pixels: that of the cutout, resampled and divided as they are."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.data import Cutout, Preparation, prepare_one
from galfeat.data.preparation.steps import prepared_noise

LINEAR = Preparation(size=32, stretch="none")


def cutout(size: int, noise: NDArray[np.float32] | None = None) -> Cutout:
    y, x = np.mgrid[:size, :size] - 0.5 * (size - 1)
    light = 200 * np.exp(-np.hypot(x, y) / (size / 16))
    light = light + np.random.default_rng(2).normal(7, 1, light.shape)
    pixels = np.stack([light, 3 * light]).astype(np.float32)
    return Cutout("a", pixels, ("g", "r"), noise=noise)


def some_map(size: int) -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(0.5, 2, (2, size, size)).astype(np.float32)


def scales(of: Cutout, blocks: int = 1) -> NDArray[np.float64]:
    """Return by what the light of each band was divided, from two of its prepared pixels."""
    prepared = prepare_one(of, LINEAR)
    size = LINEAR.size
    light = of.pixels.reshape(2, size, blocks, size, blocks).mean(axis=(2, 4))
    differences = [each[:, 16, 16] - each[:, 4, 4] for each in (light, prepared)]
    return np.asarray(differences[0] / differences[1], dtype=float)


def test_without_a_map_there_is_none() -> None:
    assert prepared_noise(cutout(32), LINEAR) is None
    unknown = np.full((2, 32, 32), np.nan, np.float32)
    assert prepared_noise(cutout(32, unknown), LINEAR) is None


@pytest.mark.parametrize("noise", ["differences", "map"])
def test_on_the_same_grid_it_is_divided_as_the_pixels_are(noise: str) -> None:
    preparation = Preparation(size=32, stretch="none", noise=noise)  # type: ignore[arg-type]
    given = cutout(32, some_map(32))
    found = prepared_noise(given, preparation)
    prepared = prepare_one(given, preparation)
    light = given.pixels
    ratio = (light[:, 16, 16] - light[:, 4, 4]) / (prepared[:, 16, 16] - prepared[:, 4, 4])
    assert found is not None
    np.testing.assert_allclose(found * ratio[:, None, None], some_map(32), rtol=1e-5)


def test_means_of_pixels_have_the_noise_of_means() -> None:
    given = cutout(64, some_map(64))
    found = prepared_noise(given, LINEAR)
    assert found is not None
    variances = some_map(64).astype(float).reshape(2, 32, 2, 32, 2) ** 2
    expected = np.sqrt(variances.sum(axis=(2, 4))) / 4
    np.testing.assert_allclose(found * scales(given, 2)[:, None, None], expected, rtol=1e-5)


def test_cropped_and_centered_pixels_have_theirs() -> None:
    given = cutout(64, some_map(64))
    cropped = prepared_noise(given, Preparation(size=32, fit="crop", stretch="none"))
    assert cropped is not None
    ratio = cropped / some_map(64)[:, 16:48, 16:48]
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] * np.ones(ratio.shape), rtol=1e-5)
    centered = Preparation(size=32, centering="subpixel", stretch="none")
    found = prepared_noise(given, centered)
    assert found is not None
    assert np.isfinite(found).mean() > 0.9
