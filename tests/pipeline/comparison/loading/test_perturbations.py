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
    # the correlation that was measured along the edges, where it errs by .03
    assert _rho(after) == pytest.approx(rho, abs=0.08)
    assert _rho(after, 0) == pytest.approx(rho, abs=0.08)
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
    assert _rho(added) == pytest.approx(0.6, abs=0.03)
    # the same on the prepared grid, if its pixels are larger: pixels two apart share as much
    coarse = perturb(image, "correlated", 2.0, 80).pixels[0] - image.pixels[0]
    assert coarse.std() == pytest.approx(2 * 3, rel=0.05)
    assert _rho(coarse[:, ::2]) == pytest.approx(0.6, abs=0.03)


def test_a_lost_band_has_the_correlation_of_its_sky() -> None:
    image = Cutout("g", _sky(shared=True)[None].astype(np.float32), ("r",))
    lost = perturb(image, "band", 0.0, 160).pixels[0].astype(float)
    assert _rho(lost) == pytest.approx(0.5, abs=0.05)
    assert lost.std() == pytest.approx(3, rel=0.05)


def _above(image: NDArray[np.floating], sky: float = 100.0) -> NDArray[np.float64]:
    return np.asarray(image, dtype=float) - sky


def _ratio(kind: str, strength: float, band: int = 0) -> float:
    """Return the flux of a galaxy without noise to speak of, over that before."""
    before, after = cutout(noise=0.01), perturb(cutout(noise=0.01), kind, strength, 64)
    return float(_above(after.pixels[band]).sum() / _above(before.pixels[band]).sum())


def test_a_galaxy_at_half_the_scale_has_half_the_size_and_its_surface_brightness() -> None:
    after = _above(perturb(cutout(noise=0.01), "scale", 2.0, 64).pixels[0])
    assert after.sum() == pytest.approx(500 * 50 * np.pi / 4, rel=0.01)
    x = (after * X).sum() / after.sum()
    assert x == pytest.approx(3, abs=0.05)
    # the variance of 25, and of two pixels half a pixel to either side, at half the size
    assert (after * (X - x) ** 2).sum() / after.sum() == pytest.approx(25.25 / 4, rel=0.02)
    assert after.max() == pytest.approx(500, rel=0.05)


def test_color_and_filters_change_the_bands_by_the_stated_amounts() -> None:
    assert _ratio("color", 0.25, band=0) == pytest.approx(10**-0.1, rel=0.01)
    assert _ratio("color", 0.25, band=1) == pytest.approx(1, rel=0.01)
    bright = cutout(noise=0.01)
    bright.pixels[1] += 2 * (bright.pixels[1] - 100)
    before, after = (_above(each.pixels) for each in (bright, perturb(bright, "filters", 0.25, 64)))
    # three times as bright in the second band: 3 / 4 + 3 / 4
    assert after[0].sum() / before[0].sum() == pytest.approx(1.5, rel=0.01)
    np.testing.assert_allclose(after[1], before[1], atol=0.2)


def test_a_magnitude_less_depth_is_noise_of_the_same_correlation() -> None:
    image = Cutout("g", _sky(shared=True)[None].astype(np.float32), ("r",))
    after = perturb(image, "depth", 1.0, 160).pixels[0].astype(float)
    assert after.std() == pytest.approx(3 * 2.512, rel=0.05)
    assert _rho(after) == pytest.approx(0.5, abs=0.08)


def test_pictures_lose_more_at_lower_quality() -> None:
    before = cutout().pixels
    lost = [(perturb(cutout(), "jpeg", q, 64).pixels - before).std() for q in (90, 70, 40)]
    assert lost[0] < lost[1] < lost[2]
    # sky of sigma 2 is told in steps of a few tenths of a sigma, the galaxy's 500 within percents
    assert 0.1 < lost[0] < 4


def test_a_gradient_tilts_all_bands_alike_in_units_of_their_noise() -> None:
    image = cutout()
    image.pixels[1] = 100 + 2 * (image.pixels[1] - 100)
    added = perturb(image, "gradient", 3.0, 64).pixels.astype(float) - image.pixels
    for band, noise in enumerate((2.0, 4.0)):
        slope = [np.polyfit(axis.ravel(), added[band].ravel(), 1)[0] for axis in (Y, X)]
        assert np.hypot(*slope) * 63 == pytest.approx(3 * noise, rel=0.15)
    assert np.corrcoef(added[0].ravel(), added[1].ravel())[0, 1] == pytest.approx(1, abs=1e-4)


def test_a_neighbor_has_the_stated_share_of_the_flux_and_place() -> None:
    image = cutout(noise=0.01)
    added = perturb(image, "neighbor", 0.5, 64).pixels.astype(float) - image.pixels
    assert added[0].sum() == pytest.approx(0.5 * 500 * 50 * np.pi, rel=0.05)
    y, x = (float((added[0] * axis).sum() / added[0].sum()) for axis in (Y, X))
    assert np.hypot(y, x) == pytest.approx(0.3 * 64, rel=0.02)
    other = Cutout("h", image.pixels, image.bands)
    assert not np.allclose(perturb(other, "neighbor", 0.5, 64).pixels, image.pixels + added)


def test_one_band_has_no_color_to_change() -> None:
    kinds = {kind for kind, _ in perturbation_strengths(1)}
    assert set(UNPERTURBED) - kinds == {"color", "filters", "band"}
    assert {kind for kind, _ in perturbation_strengths(3, quick=True)} == set(UNPERTURBED)


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
