"""Light changed under the noise of the sky: its level and correlation come out as asked for."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.degradation.blurring import FWHM, blur, blur_to
from galfeat.data.degradation.dimming import dim
from galfeat.data.degradation.exposure import Exposure, exposure_of, sky_of, with_noise
from galfeat.data.degradation.noise import add_noise
from galfeat.data.degradation.rescaling import shrink
from galfeat.data.preparation.sky_noise import SkyNoise

Floats = NDArray[np.float64]
SKY = SkyNoise(100.0, 3.0, 0.5, 0.3)
CHANGES: dict[str, Callable[[Exposure], Exposure]] = {
    "blur": lambda e: blur(e, 1.3),
    "shrink": lambda e: shrink(e, 1.7),
    "shrink to half": lambda e: shrink(e, 2.0),
    "dim": lambda e: dim(e, 1.5),
    "all": lambda e: dim(blur(shrink(e, 1.4), 0.8), 1.2),
}


def shared(image: Floats, down: int, across: int) -> float:
    """Return the correlation of pixels so many rows and columns apart."""
    ny, nx = image.shape
    one, other = image[: ny - down, : nx - across], image[down:, across:]
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def galaxy(width: float, size: int = 128) -> Floats:
    y, x = np.indices((size, size)) - (size - 1) / 2
    return np.asarray(1000 * np.exp(-(x**2 + y**2) / (2 * width**2)))


def spread(light: Floats) -> float:
    x = np.arange(light.shape[1]) - (light.shape[1] - 1) / 2
    return float((light * x**2).sum() / light.sum())


@pytest.mark.parametrize("side", [255, 256])
@pytest.mark.parametrize("change", list(CHANGES))
def test_the_sky_is_as_before(change: str, side: int) -> None:
    rng = np.random.default_rng(0)
    before = add_noise(np.full((side, side), 100.0), SKY, rng)
    after = with_noise(CHANGES[change](exposure_of(before, SKY)), SKY, rng)
    inner = after[80:-80, 80:-80]
    assert after.mean() == pytest.approx(100, abs=0.1)
    assert after.std() == pytest.approx(3, rel=0.02)
    assert inner.std() == pytest.approx(3, rel=0.06)
    assert shared(after, 0, 1) == pytest.approx(0.5, abs=0.02)
    assert shared(after, 1, 0) == pytest.approx(0.3, abs=0.02)
    assert shared(after, 1, 1) == pytest.approx(0.15, abs=0.03)


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "all"])
def test_the_noise_that_is_left_is_known(change: str) -> None:
    """The scatter of what a change makes of many skies, without any noise added."""
    rng = np.random.default_rng(0)
    kept = [
        CHANGES[change](exposure_of(add_noise(np.full((70, 70), 100.0), SKY, rng), SKY))
        for _ in range(40)
    ]
    middle = np.stack([each.light for each in kept])[:, 28:42, 28:42]
    (noise,) = kept[0].noise
    assert middle.std() == pytest.approx(noise.variance**0.5, rel=0.04)
    aside = (middle[..., 1:] * middle[..., :-1]).mean() / middle.var()
    below = (middle[:, 1:] * middle[:, :-1]).mean() / middle.var()
    assert aside == pytest.approx(noise.across[1], abs=0.04)
    assert below == pytest.approx(noise.down[1], abs=0.04)


def test_more_noise_and_less_correlation_are_made_too() -> None:
    rng = np.random.default_rng(0)
    before = add_noise(np.zeros((256, 256)), SKY._replace(sky=0.0), rng)
    wanted = SkyNoise(7.0, 8.0, 0.1, 0.1)
    after = with_noise(exposure_of(before, SKY._replace(sky=0.0)), wanted, rng)
    assert sky_of(after) == pytest.approx(wanted, abs=0.25)
    # what cannot be taken away stays
    kept = with_noise(exposure_of(before, SKY._replace(sky=0.0)), SkyNoise(0, 0, 0, 0), rng)
    np.testing.assert_allclose(kept, before)


@pytest.mark.parametrize("rho", [-3.1, -0.5, 0.0, 0.98, 1.0, 1.7, np.nan])
def test_noise_has_its_level_whatever_correlation_was_measured(rho: float) -> None:
    """A galaxy that fills the border is measured as noise of any correlation."""
    fields = [
        add_noise(np.zeros((48, 48)), SkyNoise(0.0, 3.0, rho, rho), np.random.default_rng(seed))
        for seed in range(200)
    ]
    assert np.std(fields) == pytest.approx(3, rel=0.05)
    expected = {-0.5: -0.5, 0.98: 0.98, 1.0: 0.98, 1.7: 0.98}.get(rho, 0.0)
    found = np.mean([field[1:] * field[:-1] for field in fields]) / 9
    assert found == pytest.approx(expected, abs=0.06)


def test_light_is_blurred_and_shrunk_by_the_stated_amounts() -> None:
    sky = SkyNoise(0.0, 0.0, 0.0, 0.0)
    before = exposure_of(galaxy(5.0), sky)
    assert spread(blur(before, 3.0).light) == pytest.approx(25 + 9, rel=1e-3)
    assert spread(blur_to(before, 5 * FWHM, 7 * FWHM).light) == pytest.approx(49, rel=1e-3)
    assert blur_to(before, 3.0, 2.0) is before
    small = shrink(before, 2.0).light
    # a mean of two pixels, half a pixel to either side, adds a variance of 1 / 4; at half the size
    assert spread(small) == pytest.approx((25 + 1 / 4) / 4, rel=1e-3)
    # the four pixels in the middle, half and one and a half pixels from the center along each axis
    peak = 1000 * ((np.exp(-0.25 / 50) + np.exp(-2.25 / 50)) / 2) ** 2
    assert small.max() == pytest.approx(peak)
    assert small.sum() == pytest.approx(before.light.sum() / 4, rel=1e-3)
    assert shrink(before, 2.0, keep_flux=True).light.sum() == pytest.approx(
        before.light.sum(), rel=1e-3
    )
    assert dim(before, 2.0).light.sum() == pytest.approx(before.light.sum() / 16)


def test_a_galaxy_that_is_cut_off_ends_without_an_edge() -> None:
    small = shrink(exposure_of(galaxy(60.0), SkyNoise(0, 0, 0, 0)), 2.0).light
    assert np.abs(np.diff(small, axis=1)).max() < 0.3 * small.max()
    assert (small[:30] == 0).all()


def test_bad_pixels_stay_few_and_keep_out_of_the_light() -> None:
    rng = np.random.default_rng(0)
    image = np.full((64, 64), 100.0)
    image[30:34, 30:34] = np.nan
    for change in CHANGES.values():
        after = with_noise(change(exposure_of(image, SKY._replace(sigma=0.0))), SKY, rng)
        assert 0 < np.isnan(after).sum() <= 40


def test_an_image_is_not_made_larger() -> None:
    with pytest.raises(UsageError, match="at least 1; it is"):
        shrink(exposure_of(galaxy(5.0), SKY), 0.5)
