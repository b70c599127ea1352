"""Rings, Fourier modes, colors, clumps and nuclei: numbers that a person can check."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.features import Shape
from galfeat.features.scalars import ScalarTable
from galfeat.features.shape.quantities import COLORS, QUANTITIES
from galfeat.features.shape.statistics.clumps import clump_fraction, quarter_asymmetry, roughness
from galfeat.features.shape.statistics.rings import (
    COLOR_EDGES,
    EDGES,
    PER_RING,
    PROFILE_EDGES,
    ring_statistics,
)
from galfeat.features.shape.statistics.sersic import fit_sersic

Images = NDArray[np.float32]


def polar(size: int = 81) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    y, x = np.indices((size, size)) - (size - 1) / 2
    return np.hypot(x, y), np.arctan2(y, x)


def rings_of(
    image: NDArray[np.float64], ratio: float = 1.0, theta: float = 0.0
) -> NDArray[np.float64]:
    out = np.empty((len(EDGES) - 1) * PER_RING)
    middle = (image.shape[0] - 1) / 2
    good = np.ones(image.shape, dtype=np.float32)
    ring_statistics(image.astype(np.float32), good, (middle, middle, ratio, theta), 10.0, 1.0, out)
    return out.reshape(-1, PER_RING)


@pytest.mark.parametrize("mode", [1, 2, 3, 4])
def test_a_wave_is_found_in_its_mode(mode: int) -> None:
    _, angle = polar()
    rings = rings_of(100 * (1 + 0.4 * np.cos(mode * (angle - 0.3))))[2:]
    assert rings[:, 0] == pytest.approx(math.asinh(100), abs=0.01)
    assert rings[:, 1] == pytest.approx(0.4 / math.sqrt(2), abs=0.01)
    for k in range(1, 5):  # half of the amplitude of a cosine is its coefficient
        assert rings[:, 1 + k] == pytest.approx(0.2 if k == mode else 0.0, abs=0.01)


def test_rings_follow_the_ellipse() -> None:
    y, x = np.indices((81, 81)) - 40.0
    along, across = 0.8 * x + 0.6 * y, 0.8 * y - 0.6 * x
    image = 100 * np.exp(-np.hypot(along, across / 0.5) / 8)
    tilted, round_ = rings_of(image, 0.5, math.atan2(0.6, 0.8)), rings_of(image)
    assert (tilted[2:5, 3] < 0.03).all(), "no second mode along the ellipse"
    assert (round_[2:5, 3] > 0.2).all()
    assert math.sinh(tilted[3, 0]) < math.sinh(tilted[2, 0])


def test_a_ring_outside_of_the_image_is_no_number() -> None:
    image = np.ones((11, 11))
    rings = rings_of(image)
    assert np.isfinite(rings[0]).all()
    assert np.isnan(rings[5]).all()


def test_clumps_hold_their_light() -> None:
    radius, _ = polar()
    smooth = 50 * np.exp(-radius / 8)
    image = smooth.copy()
    for dy, dx in ((9, 0), (-4, 9), (0, -11)):
        image[40 + dy, 40 + dx] += 60
    found = clump_fraction(image.astype(np.float32), 40.0, 40.0, 16.0, 1.0)
    inside = (radius >= 4) & (radius < 24)
    # a pixel stands above its 4 x 4 average by fifteen sixteenths of its own light
    assert found == pytest.approx(180 * 15 / 16 / image[inside].sum(), rel=0.05)
    none = clump_fraction(smooth.astype(np.float32), 40.0, 40.0, 16.0, 1.0)
    assert none < 0.002
    assert math.isnan(clump_fraction(np.zeros((81, 81), np.float32), 40.0, 40.0, 16.0, 1.0))


def test_a_quarter_turn() -> None:
    radius, angle = polar()
    good, segment = np.ones(radius.shape, np.float32), (radius < 20).astype(np.uint8)
    for mode, expected in ((4, 0.0), (2, 2 * 0.5 * 2 / math.pi)):
        image = (10 * (1 + 0.5 * np.cos(mode * angle))).astype(np.float32)
        found = quarter_asymmetry(image, good, segment, 40.0, 40.0, 0.0)
        assert found == pytest.approx(expected, abs=0.01)
    shifted = np.exp(-(np.hypot(*(np.indices((81, 81)) - np.array([40.3, 39.6])[:, None, None]))))
    found = quarter_asymmetry(shifted.astype(np.float32), good, segment, 39.6, 40.3, 0.0)
    assert found < 0.35, "interpolation alone"


def test_a_plane_is_smooth_and_noise_is_rough() -> None:
    segment = np.zeros((60, 60), np.uint8)
    segment[20:40, 20:40] = 1
    y, _ = np.indices((60, 60))
    assert roughness((100.0 + y).astype(np.float32), segment, 2.0) < 1e-5
    noise = np.random.default_rng(0).normal(0, 1, (60, 60)).astype(np.float32)
    assert roughness(noise, segment, 4.0) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("part", [0.0, 0.1, 0.3])
def test_a_nucleus_is_found(part: float) -> None:
    sigma, scale = 1.3, 4.0
    y, x = np.indices((91, 91)) - 45.0
    image = np.zeros(x.shape)
    fine = (np.arange(8) - 3.5) / 8
    for dy in fine:
        for dx in fine:
            squared = (x + dx) ** 2 + (y + dy) ** 2
            image += (1 - part) * np.exp(-np.sqrt(squared) / scale) / (2 * np.pi * scale**2) / 64
            image += part * np.exp(-0.5 * squared / sigma**2) / (2 * np.pi * sigma**2) / 64
    good = np.ones(image.shape, np.float32)
    shape = (45.0, 45.0, 1.0, 0.0)
    n, radius, _, fitted, point = fit_sersic(
        (1e4 * image).astype(np.float32), good, shape, 25.0, 1.5, 6.0, sigma
    )
    assert fitted
    assert point / 1e4 == pytest.approx(part, abs=0.01)
    assert n == pytest.approx(1, abs=0.1)
    assert radius == pytest.approx(1.678 * scale, rel=0.05)


def galaxy(seed: int, inner: float, outer: float) -> Images:
    """Return two bands, whose ratio changes at a radius of 4 pixels."""
    rng = np.random.default_rng(seed)
    radius, _ = polar(64)
    light = 200 * np.exp(-radius / 4)
    second = light * np.where(radius < 4, inner, outer)
    images: Images = (np.stack([light, second]) + rng.normal(0, 1, (2, 64, 64))).astype(np.float32)
    return images


def test_colors_in_annuli() -> None:
    table = Shape("linear", sersic=False).measure_scalars(
        galaxy(1, 2.0, 1.0)[None], bands=("g", "r")
    )
    petrosian = table.column("detection_r_petro_ellip")[0]
    assert petrosian > 10
    color = table.column("g_r_color")[0]
    inner, outer = (color + table.column(f"g_r_color_profile{k}")[0] for k in (1, 5))
    assert inner == pytest.approx(2.5 * math.log10(2), abs=0.05)
    assert outer == pytest.approx(0, abs=0.1)
    assert outer < color < inner
    assert table.column("g_r_color_ring1")[0] == pytest.approx(-math.log(2), abs=0.05)


def test_a_band_without_the_galaxy_has_no_color() -> None:
    images = galaxy(2, 1.0, 1.0)
    images[1] = np.random.default_rng(5).normal(0, 1, (64, 64)) - 0.5
    table = Shape("linear", sersic=False).measure_scalars(images[None], bands=("g", "r"))
    assert np.ma.getmaskarray(table.column("g_r_color"))[0]
    assert "detection: the light of a ring is within its noise in a band" in table.reasons[0]


def test_columns_have_units_and_ucds(measured_bands: ScalarTable) -> None:
    table = measured_bands
    assert len(set(table.names)) == len(table.names)
    assert table.units[table.names.index("g_r_petro_circ")] == "pix"
    assert table.ucds[table.names.index("g_r_petro_circ")] == "phys.angSize"
    assert all(ucd and " " not in ucd for ucd in table.ucds)
    assert np.isfinite(table.values.data).all(), "0 beneath the mask"
    assert len(COLORS) == 2 + len(PROFILE_EDGES) - 1 + len(COLOR_EDGES) - 1
    ring1 = [each.name for each in QUANTITIES].index("ring1_brightness")
    assert len(QUANTITIES) - ring1 == (len(EDGES) - 1) * PER_RING


def test_vectors_are_the_columns_that_are_features(measured_bands: ScalarTable) -> None:
    shape = Shape("linear")
    images = np.stack([galaxy(seed, 1.5, 1.2) for seed in range(3)])
    kept = [scalar.feature for scalar in measured_bands.scalars]
    vectors = shape.vectors(measured_bands.values[:, kept])
    fitted = shape.fit_transform(images)
    assert vectors.shape == fitted.shape
    assert np.array_equal(np.where(np.isnan(vectors), fitted, vectors), fitted)
    names = [name for name, part in zip(measured_bands.names, kept, strict=True) if part]
    assert names == shape.feature_names(("g", "r"), (64, 64))


@pytest.fixture(scope="module")
def measured_bands() -> ScalarTable:
    images = np.stack([galaxy(seed, 1.5, 1.2) for seed in range(3)])
    return Shape("linear").measure_scalars(images, bands=("g", "r"))


def test_without_details_they_are_no_columns() -> None:
    plain = Shape("linear", sersic=False, details=False)
    names = plain.feature_names(("g", "r"), (64, 64))
    assert not [name for name in names if "ring" in name or "color" in name or "sersic" in name]
    assert "detection_gini" in names
    table = plain.measure_scalars(galaxy(0, 1.0, 1.0)[None], bands=("g", "r"))
    assert table.values.shape == (1, len(table.scalars))
