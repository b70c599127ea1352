"""Denoised images: profile and structure."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.features.denoising import denoised, mean_profile
from galfeat.features.noise import LAGS, sky_mask

Floats = NDArray[np.float64]
Y, X = np.indices((64, 64))
ONES = np.ones((64, 64))


def disk(peak: float) -> Floats:
    light: Floats = peak * np.exp(-np.hypot(X - 31.7, (Y - 30.9) / 0.7) / 3.5)
    return light


def noisy(light: Floats, seed: int) -> Floats:
    return light + np.random.default_rng(seed).normal(0, 1, light.shape)


@pytest.mark.parametrize("peak", [40.0, 150.0, 600.0])
def test_the_sky_is_averaged_and_the_galaxy_kept(peak: float) -> None:
    light = disk(peak)
    image = noisy(light, 1)
    image[5, 5] = np.nan
    sky = sky_mask(image)
    clean = denoised(image, ONES, sky)
    assert np.isnan(clean[5, 5])
    assert np.isfinite(np.delete(clean.ravel(), 5 * 64 + 5)).all()
    left = clean - light
    assert np.nanstd(left[sky]) < 0.15
    assert np.nanstd(left[light > 1]) < 0.6


def test_light_within_apertures_is_not_smeared() -> None:
    light, left = disk(150.0), []
    for seed in range(20):
        image = noisy(light, seed)
        left.append(denoised(image, ONES, sky_mask(image)) - light)
    for radius in (2.0, 4.0, 8.0, 16.0):
        inside = np.hypot(X - 31.7, (Y - 30.9) / 0.7) < radius
        light_lost = np.sum(left, axis=(1, 2), where=inside)
        # as it is in the exposures: 0, within its error
        assert abs(light_lost.mean()) < 4 * np.sqrt(inside.sum() / 20)


def test_clumps_beside_the_profile_stay() -> None:
    clump = 60 * np.exp(-((X - 40) ** 2 + (Y - 36) ** 2) / 5)
    image = noisy(disk(100.0) + clump, 3)
    left = denoised(image, ONES, sky_mask(image)) - disk(100.0)
    near = np.hypot(X - 40, Y - 36) < 4
    assert left[near].sum() == pytest.approx(clump[near].sum(), rel=0.1)
    opposite = np.hypot(X - 23, Y - 26) < 3
    assert abs(left[opposite].mean()) < 0.6, "the profile does not take it for its own"


def test_correlated_noise_is_no_structure() -> None:
    taps = np.array([1, 4, 6, 4, 1]) / 16
    both = np.convolve(taps, taps)[1:-1] / (taps**2).sum()  # the lags looked at
    assert len(both) == 2 * LAGS + 1
    noise = np.random.default_rng(4).normal(0, 1, (64, 64))
    for axis in range(2):
        noise = ndimage.correlate1d(noise, taps, axis, mode="wrap") / np.sqrt((taps**2).sum())
    sky = np.ones(noise.shape, dtype=bool)
    known = denoised(noise, ONES, sky, np.multiply.outer(both, both))
    assert known.std() < 0.6 * denoised(noise, ONES, sky).std()


def test_a_profile_is_a_mean_along_ellipses() -> None:
    light = disk(300.0) + 7
    sky = light < 8
    profile = mean_profile(light, sky)
    assert np.abs(profile - light)[light < 200].max() < 6
    assert mean_profile(np.full((32, 32), 5.0), np.ones((32, 32), dtype=bool)) == pytest.approx(5)


def test_other_sources_have_no_part_in_the_profile() -> None:
    light = disk(100.0)
    other = 500 * np.exp(-((X - 10) ** 2 + (Y - 10) ** 2) / 4)
    sky = light + other < 1
    alone, beside = mean_profile(light, sky), mean_profile(light + other, sky)
    assert np.abs(alone - beside).max() < 1


def test_small_images_have_fewer_scales() -> None:
    image = np.random.default_rng(0).normal(0, 1, (16, 16))
    clean = denoised(image, np.ones((16, 16)), sky_mask(image))
    assert np.isfinite(clean).all()
    assert clean.std() < 0.5
