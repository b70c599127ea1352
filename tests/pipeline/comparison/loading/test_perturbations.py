"""Altered galaxies: what changes and what does not, by numbers that can be checked."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.data import Cutout
from galfeat.pipeline.comparison.classifiers.augmentation import augmented_copies
from galfeat.pipeline.comparison.loading.perturbations import (
    UNPERTURBED,
    perturb,
    perturbation_strengths,
)

Y, X = np.indices((64, 64)) - 31.5


def cutout(noise: float = 2.0, sky: float = 100.0, bands: int = 2) -> Cutout:
    rng = np.random.default_rng(0)
    light = 500 * np.exp(-((X - 6) ** 2 + Y**2) / 50)
    return Cutout(
        "g",
        (sky + light + noise * rng.normal(size=(bands, 64, 64))).astype(np.float32),
        ("b", "r")[:bands],
    )


def center(image: NDArray[np.float32]) -> tuple[float, float]:
    light = np.where(image > 150, image - 100, 0)
    return float((light * Y).sum() / light.sum()), float((light * X).sum() / light.sum())


@pytest.mark.parametrize("kind", list(UNPERTURBED))
def test_strength_zero_changes_nothing(kind: str) -> None:
    assert perturb(cutout(), kind, UNPERTURBED[kind], 64) is not None
    np.testing.assert_array_equal(
        perturb(cutout(), kind, UNPERTURBED[kind], 64).pixels, cutout().pixels
    )


@pytest.mark.parametrize(("kind", "strength"), perturbation_strengths(2))
def test_perturbations_are_reproducible_and_change_the_images(kind: str, strength: float) -> None:
    one = perturb(cutout(), kind, strength, 64).pixels
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, perturb(cutout(), kind, strength, 64).pixels)
    assert not np.array_equal(one, cutout().pixels)


def test_shifts_and_rotations_have_the_stated_size() -> None:
    y, x = center(perturb(cutout(), "shift", 4.0, 64).pixels[0])
    assert y == pytest.approx(4 / 2**0.5, abs=0.1)
    assert x == pytest.approx(6 + 4 / 2**0.5, abs=0.1)
    # a pixel of the prepared image is two of the cutout
    y, x = center(perturb(cutout(), "shift", 4.0, 32).pixels[0])
    assert x == pytest.approx(6 + 8 / 2**0.5, abs=0.1)
    y, x = center(perturb(cutout(), "rotation", 90.0, 64).pixels[0])
    assert abs(y) == pytest.approx(6, abs=0.1)
    assert x == pytest.approx(0, abs=0.1)
    y, x = center(perturb(cutout(), "rotation", 45.0, 64).pixels[0])
    assert np.hypot(y, x) == pytest.approx(6, abs=0.15)


def test_noise_adds_in_squares_and_a_lost_band_is_sky() -> None:
    corner = (slice(None), slice(0, 16), slice(0, 16))
    assert perturb(cutout(), "noise", 1.0, 64).pixels[corner].std() == pytest.approx(
        2 * 2**0.5, rel=0.1
    )
    lost = perturb(cutout(), "band", 1.0, 64).pixels
    np.testing.assert_array_equal(lost[0], cutout().pixels[0])
    assert lost[1].mean() == pytest.approx(100, abs=0.3)
    assert lost[1].std() == pytest.approx(2, rel=0.1)


def test_dimming_divides_the_light_by_the_fourth_power_and_keeps_the_noise() -> None:
    dimmed = perturb(cutout(noise=0.5), "dimming", 1.5, 64).pixels[0]
    light = cutout(noise=0.5).pixels[0].astype(np.float64) - 100
    assert (dimmed - 100.0)[light > 100].sum() / light[light > 100].sum() == pytest.approx(
        1.5**-4, rel=0.01
    )
    assert dimmed[:16, :16].std() == pytest.approx(0.5, rel=0.1)


def _rho(image: NDArray[np.floating], axis: int = 1) -> float:
    first, second = np.delete(image, -1, axis).ravel(), np.delete(image, 0, axis).ravel()
    return float(np.corrcoef(first, second)[0, 1])


def _sky(shared: bool, size: int = 160) -> NDArray[np.float64]:
    """Return noise of deviation 3, white or with pixels that share half with each neighbor."""
    white = 3 * np.random.default_rng(4).normal(size=(size + 1, size + 1))
    if not shared:
        return 50 + white[1:, 1:]
    return np.asarray(50 + (white[1:, 1:] + white[:-1, 1:] + white[1:, :-1] + white[:-1, :-1]) / 2)


@pytest.mark.parametrize(("shared", "rho"), [(False, 0.0), (True, 0.5)])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_seeing_leaves_the_noise_of_the_sky_as_it_is(
    shared: bool, rho: float, sigma: float
) -> None:
    before = _sky(shared)
    image = Cutout("g", before[None].astype(np.float32), ("r",))
    after = perturb(image, "seeing", sigma, 160).pixels[0][8:-8, 8:-8].astype(float)
    assert after.std() == pytest.approx(before.std(), rel=0.05)
    assert _rho(after) == pytest.approx(rho, abs=0.05)
    assert _rho(after, 0) == pytest.approx(rho, abs=0.05)
    # the noise itself is partly another
    assert np.corrcoef(after.ravel(), before[8:-8, 8:-8].ravel())[0, 1] < 0.97


def test_smoothing_takes_the_noise_too() -> None:
    """White noise under a Gaussian of sigma 1 keeps 1 / (2 sqrt(pi)) of its deviation, and pixels
    side by side share exp(-1 / 4).
    """
    image = Cutout("g", _sky(shared=False)[None].astype(np.float32), ("r",))
    after = perturb(image, "smoothing", 1.0, 160).pixels[0].astype(float)
    assert after.std() == pytest.approx(3 / (2 * np.pi**0.5), rel=0.04)
    assert _rho(after) == pytest.approx(np.exp(-0.25), abs=0.02)


@pytest.mark.parametrize("kind", ["seeing", "smoothing"])
def test_light_is_blurred_by_the_stated_width(kind: str) -> None:
    """A Gaussian of variance 25 becomes one of 25 + 4 on the cutout's pixels, of which two are one
    of the prepared image.
    """
    after = perturb(cutout(noise=0.01), kind, 1.0, 32).pixels[0].astype(float) - 100
    assert after.sum() == pytest.approx(500 * 50 * np.pi, rel=0.01)
    assert (after * Y**2).sum() / after.sum() == pytest.approx(29, rel=0.02)


def test_correlated_noise_is_as_much_as_white_noise() -> None:
    image = Cutout("g", _sky(shared=False)[None].astype(np.float32), ("r",))
    added = perturb(image, "correlated", 2.0, 160).pixels[0] - image.pixels[0]
    assert added.std() == pytest.approx(2 * 3, rel=0.05)
    assert _rho(added) == pytest.approx(np.exp(-1 / (4 * 0.7**2)), abs=0.03)
    # the same on the prepared grid, if its pixels are larger
    coarse = perturb(image, "correlated", 2.0, 80).pixels[0] - image.pixels[0]
    assert coarse.std() == pytest.approx(2 * 3, rel=0.05)
    assert _rho(coarse) == pytest.approx(np.exp(-1 / (4 * 1.4**2)), abs=0.03)


def test_a_lost_band_has_the_correlation_of_its_sky() -> None:
    image = Cutout("g", _sky(shared=True)[None].astype(np.float32), ("r",))
    lost = perturb(image, "band", 0.0, 160).pixels[0].astype(float)
    assert _rho(lost) == pytest.approx(0.5, abs=0.05)
    assert lost.std() == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize(("kind", "strength"), perturbation_strengths(2))
def test_bad_pixels_stay_few_and_good_ones_good(kind: str, strength: float) -> None:
    holed = cutout()
    holed.pixels[:, 20:24, 20:24] = np.nan
    bad = ~np.isfinite(perturb(holed, kind, strength, 64).pixels)
    assert 0 < bad.sum() <= 2 * 2 * 16 + 20


def test_copies_keep_the_light_and_depend_on_the_galaxy_alone() -> None:
    images = np.stack([cutout(noise=0.1, sky=0).pixels] * 3)
    copies = augmented_copies(images, np.array([7, 8, 9]), 0, seed=1)
    np.testing.assert_array_equal(
        copies[1:2], augmented_copies(images[1:2], np.array([8]), 0, seed=1)
    )
    assert not np.array_equal(copies[0], copies[1])
    assert copies.sum(axis=(1, 2, 3)) == pytest.approx(images.sum(axis=(1, 2, 3)), rel=0.05)
