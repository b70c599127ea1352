"""Correlated noise: how much of it, between whom, and what many pixels together still have."""

import numpy as np
import pytest

from galfeat.data.simulation.correlated_noise import correlated_noise, covariance
from galfeat.data.simulation.instrument import BANDS, noise_level


def test_covariance_by_pencil() -> None:
    """A drop as wide as a pixel: two triangles of width one overlap by 2/3, one pixel apart by 1/6,
    two apart not at all.
    """
    assert [covariance(lag, 1.0) for lag in (0, 1, -1, 2)] == pytest.approx(
        [2 / 3, 1 / 6, 1 / 6, 0]
    )


@pytest.mark.parametrize("drop", [0.4, 0.667, 1.0, 1.707, 2.5])
def test_a_pixel_falls_short_as_casertano_and_others_found(drop: float) -> None:
    """R = r / (1 - 1 / (3 r)) for r >= 1 and 1 / (1 - r / 3) below, with r the drop in pixels of
    the image.
    """
    short = drop / (1 - 1 / (3 * drop)) if drop >= 1 else 1 / (1 - drop / 3)
    # along both axes: 1 / R^2, the square of the noise
    assert covariance(0, drop) == pytest.approx(1 / short)
    # many pixels together have it all
    assert sum(covariance(lag, drop) for lag in range(-5, 6)) == pytest.approx(1)


@pytest.mark.parametrize("band", ["F814W", "F160W", "i"])
def test_noise_of_pixels_neighbors_and_large_squares(band: str) -> None:
    level, drop = noise_level(band, "wide"), BANDS[band].drop
    white = np.hypot(np.sqrt(level.sky), level.read) / level.gain
    noise = correlated_noise(np.zeros((600, 600)), level, drop, np.random.default_rng(3)) / white
    assert noise.std() == pytest.approx(covariance(0, drop), rel=0.02)
    aside = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    across = (noise[1:, 1:] * noise[:-1, :-1]).mean() / noise.var()
    expected = covariance(1, drop) / covariance(0, drop)
    assert (aside, across) == pytest.approx((expected, expected**2), abs=0.02)
    squares = noise.reshape(20, 30, 20, 30).sum(axis=(1, 3))
    assert squares.std() == pytest.approx(30, rel=0.15)
    assert abs(noise.mean()) < 0.01


def test_opposite_edges_know_nothing_of_each_other() -> None:
    level = noise_level("F160W", "wide")
    fields = [
        correlated_noise(np.zeros((16, 17)), level, 1.7, np.random.default_rng(seed))
        for seed in range(400)
    ]
    first, last = (np.concatenate([field[:, column] for field in fields]) for column in (0, -1))
    assert abs(np.corrcoef(first, last)[0, 1]) < 0.05
    next_to = np.concatenate([field[:, 1] for field in fields])
    assert np.corrcoef(first, next_to)[0, 1] > 0.3


def test_bright_light_adds_the_noise_of_its_photons() -> None:
    level = noise_level("F814W", "wide")
    dark, bright = (
        correlated_noise(np.full((300, 300), light), level, 0.667, np.random.default_rng(1))
        for light in (0.0, 0.2)
    )
    ratio = (0.2 * level.gain + level.sky + level.read**2) / (level.sky + level.read**2)
    assert bright.std() / dark.std() == pytest.approx(np.sqrt(ratio))
