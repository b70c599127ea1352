"""Noise, its correlation, and errors by repeated exposures."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from galfeat import UsageError
from galfeat.features import ColorHistogram, Pixels, Shape
from galfeat.features.noise import (
    LAGS,
    MonteCarlo,
    autocorrelation,
    correlated_field,
    noise_of,
)

Floats = NDArray[np.float64]


def averaged(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return noise of variance one, each pixel the mean of four white ones."""
    white = rng.normal(0, 1, (shape[0] + 1, shape[1] + 1))
    field: Floats = (white[1:, 1:] + white[1:, :-1] + white[:-1, 1:] + white[:-1, :-1]) / 2
    return field


def galaxy(peak: float = 60.0) -> Floats:
    y, x = np.indices((64, 64))
    light: Floats = peak * np.exp(-np.hypot(x - 31.7, (y - 30.9) / 0.7) / 3.5)
    return light


def test_correlation_is_measured_beside_a_galaxy() -> None:
    sums = []
    for seed in range(20):
        light = galaxy() + 3 * averaged(np.random.default_rng(seed), (64, 64)) + 40
        sigma, correlation = noise_of(light)
        assert sigma == pytest.approx(3, rel=0.12)
        assert correlation[LAGS, LAGS + 1] == pytest.approx(0.5, abs=0.12)
        assert correlation[LAGS + 1, LAGS - 1] == pytest.approx(0.25, abs=0.15)
        sums.append(correlation.sum())
    assert np.mean(sums) == pytest.approx(4, abs=0.3)  # 1 + 4 / 2 + 4 / 4


def test_white_noise_has_no_correlation() -> None:
    counts = []
    for seed in range(20):
        _, correlation = noise_of(np.random.default_rng(seed).normal(0, 1, (64, 64)))
        counts.append(np.count_nonzero(correlation) - 1)
    assert np.mean(counts) < 1


def test_too_little_sky_is_no_number() -> None:
    sigma, correlation = autocorrelation(np.ones((4, 4)), np.ones((4, 4), dtype=bool))
    assert np.isnan(sigma)
    assert correlation.sum() == 1


def test_fields_have_the_correlation_asked_for() -> None:
    correlation = np.zeros((2 * LAGS + 1,) * 2)
    middle = slice(LAGS - 1, LAGS + 2)
    correlation[middle, middle] = [[0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25]]
    field = correlated_field((100, 40, 50), correlation, np.random.default_rng(0))
    assert field.shape == (100, 40, 50)
    assert field.std() == pytest.approx(1, abs=0.02)
    assert (field[:, :, 1:] * field[:, :, :-1]).mean() == pytest.approx(0.5, abs=0.02)
    assert (field[:, 1:, 1:] * field[:, :-1, :-1]).mean() == pytest.approx(0.25, abs=0.02)
    assert (field[:, 2:] * field[:, :-2]).mean() == pytest.approx(0, abs=0.02)


def test_the_skirts_of_a_galaxy_are_no_noise() -> None:
    y, x = np.indices((96, 96))
    skirts = 3000 / (1 + np.hypot(x - 47, y - 49) ** 2)  # 0.9 of the noise at the corners
    sigmas, sums = [], []
    for seed in range(10):
        sigma, correlation = noise_of(skirts + np.random.default_rng(seed).normal(0, 1, x.shape))
        sigmas.append(sigma)
        sums.append(correlation.sum())
    assert np.mean(sigmas) == pytest.approx(1, abs=0.02)
    assert np.mean(sums) == pytest.approx(1, abs=0.15)


def test_errors_of_pixels_are_their_scatter() -> None:
    light = galaxy()
    rng = np.random.default_rng(2)
    images = np.arcsinh(light + rng.normal(0, 1, (400, 1, 64, 64)))
    errors = Pixels().transform_errors(images[:4])
    scatter = images.reshape(400, -1).std(axis=0, ddof=1)
    pull = scatter / np.sqrt((errors.data.astype(float) ** 2).mean(axis=0))
    assert np.median(pull) == pytest.approx(1, abs=0.05)
    bright = light.ravel() > 20
    assert np.median(pull[bright]) == pytest.approx(1, abs=0.1)
    assert errors.data[:, bright].max() < 0.1


def test_errors_of_binned_pixels_see_the_correlation() -> None:
    rng = np.random.default_rng(3)
    images = np.stack([galaxy() + averaged(rng, (64, 64)) for _ in range(200)])[:, None]
    pixels = Pixels(downsample=4)
    errors = pixels.transform_errors(images[:5], stretch="linear", draws=64)
    scatter = pixels.fit_transform(images).std(axis=0, ddof=1)
    pull = scatter / np.sqrt((errors.data.astype(float) ** 2).mean(axis=0))
    assert np.median(pull) == pytest.approx(1, abs=0.1)


def test_any_extractor_has_errors() -> None:
    images = np.arcsinh(galaxy() + np.random.default_rng(4).normal(0, 1, (2, 2, 64, 64)))
    images[1, 0, 3] = np.nan
    for extractor in (ColorHistogram(bins=8), Pixels(size=8)):
        errors = extractor.fit(images).transform_errors(images, draws=4)
        assert errors.shape == extractor.transform(images).shape
        assert np.isfinite(errors.data[~np.ma.getmaskarray(errors)]).all()
        again = extractor.transform_errors(images[1:], draws=4)
        assert np.array_equal(again.data[0], errors.data[1]), "whatever the batch"
        other = extractor.transform_errors(images[1:], draws=4, random_state=1)
        assert not np.array_equal(other.data[0], errors.data[1])


def test_a_noise_map_scales_the_errors() -> None:
    images = (galaxy() + np.random.default_rng(5).normal(0, 1, (1, 1, 64, 64))).astype("f4")
    one = Pixels().transform_errors(images, np.full(images.shape, 2.0), stretch="linear")
    assert np.array_equal(one.data, np.full((1, 4096), 2.0))
    with pytest.raises(UsageError, match="noise must be standard deviations of shape"):
        Pixels().transform_errors(images, np.ones((64, 64)))
    with pytest.raises(UsageError, match="some are negative"):
        Pixels().transform_errors(images, -np.ones(images.shape))
    with pytest.raises(UsageError, match="draws must be a whole number"):
        ColorHistogram().transform_errors(images, draws=1)


def test_what_most_exposures_lack_has_no_error() -> None:
    repeats = MonteCarlo("linear", 8, 0)

    def measure(row: int, images: NDArray[np.float32]) -> Floats:
        del row
        numbers = images.reshape(len(images), -1)[:, :3].astype(float)
        numbers[:6, 1] = np.nan
        numbers[:2, 2] = np.nan
        return numbers

    images = np.random.default_rng(6).normal(0, 1, (1, 1, 32, 32)).astype("f4")
    errors = repeats.errors(images, None, measure)
    assert np.isnan(errors).tolist() == [[False, True, False]]


def test_large_images_are_repeated_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(6).normal(0, 1, (2, 32, 32)).astype("f4")
    counts: list[int] = []

    def measure(row: int, images: NDArray[np.float32]) -> Floats:
        del row
        counts.append(len(images))
        return np.asarray(images.mean(axis=(2, 3)), dtype=float)

    whole = MonteCarlo("linear", 200, 0).errors(image[None], None, measure)
    monkeypatch.setattr("galfeat.features.noise._AT_ONCE", 3 * image.size)
    parts = MonteCarlo("linear", 200, 0).errors(image[None], None, measure)
    assert counts == [200, *[3] * 66, 2]
    np.testing.assert_allclose(parts, whole, rtol=0.25)
    assert len(MonteCarlo("linear", 200, 0).exposures(image, None)) == 200


PULLS = (
    "r_petro_circ",
    "r_half_circ",
    "r50",
    "r80",
    "concentration",
    "ellipticity",
    "gini",
    "m20",
    "asymmetry",
    "asymmetry_matched_sky",
    "outer_asymmetry",
    "smoothness",
    "flux_circ",
    "x_centroid",
    "sersic_n",
    "sersic_r_eff",
    "ring2_brightness",
    "ring3_brightness",
    "ring3_wave2",
)


def spheroid() -> Floats:
    """Return a de Vaucouleurs profile, blurred: its skirts fill the image."""
    y, x = np.indices((320, 320)) / 5 - 0.4
    radius = np.hypot(x - 31.4, (y - 32.2) / 0.8)
    light = 30 * np.exp(-7.67 * ((radius / 6) ** 0.25 - 1))
    blurred: Floats = ndimage.gaussian_filter(light.reshape(64, 5, 64, 5).mean((1, 3)), 1.2)
    return blurred


@pytest.mark.slow
@pytest.mark.parametrize(
    "light", [galaxy(150.0), galaxy(40.0), spheroid()], ids=["bright", "faint", "spheroid"]
)
def test_errors_of_shapes_are_the_scatter_of_repeated_exposures(light: Floats) -> None:
    rng = np.random.default_rng(7)
    # the scatter of 1,600 is known to 1.8 %
    images = (light + rng.normal(0, 1, (1600, 1, 64, 64))).astype(np.float32)
    shape = Shape("linear")
    table = shape.measure_scalars(images, bands=("g",))
    errors = shape.measure_scalars(images[:40], bands=("g",), errors=True)
    pulls = {}
    for name in PULLS:
        values, error = table.column(f"g_{name}").compressed(), errors.error(f"g_{name}")
        pulls[name] = values.std(ddof=1) / np.sqrt((error.compressed() ** 2).mean())
    wrong = {name: round(float(p), 2) for name, p in pulls.items() if not 0.9 <= p <= 1.1}
    # the size of a mean that is 0 without noise; its error is too large, never too small
    zero = wrong.pop("ring3_wave2", 1.0)
    assert not wrong
    assert 0.8 <= zero < 1.1
