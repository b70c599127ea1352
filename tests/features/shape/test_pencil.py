"""Numbers of shape that a person can check with a pencil."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, optimize

from galfeat.features.shape.images.apertures import coverage, ellipse_sums, row_sums, weighted
from galfeat.features.shape.images.filters import CONSTANT, REFLECT, gaussian, uniform
from galfeat.features.shape.images.moments import ellipse_of, source_moments
from galfeat.features.shape.images.regions import areas_of_regions, grow, region_of_peak
from galfeat.features.shape.images.segmentation import find_outliers
from galfeat.features.shape.images.sky import (
    clipped_mode,
    find_box,
    matched_asymmetry,
    sky_asymmetry,
)
from galfeat.features.shape.images.sorting import (
    argsort_ascending,
    order_statistics,
    sort_ascending,
)
from galfeat.features.shape.planes import undo_stretch
from galfeat.features.shape.statistics.asymmetry import (
    asymmetry_center,
    half_turns,
    reversed_copy,
    turned_difference,
)
from galfeat.features.shape.statistics.gini_m20 import gini, m20, pixels_in
from galfeat.features.shape.statistics.mid import intensity_and_deviation, multimode, ordered_pixels
from galfeat.features.shape.statistics.petrosian import (
    coarse_profile,
    light_radii,
    petrosian_radius,
)
from galfeat.features.shape.statistics.sersic import fit_sersic, sersic_b

Floats = NDArray[np.float64]


def f4(values: Any) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def sums_of(image: Any) -> Floats:
    sums = np.empty((image.shape[0], image.shape[1] + 1))
    row_sums(f4(image), sums)
    return sums


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0, 0, 1], 1.0),
        ([2, 2, 2, 2], 0.0),
        ([1, 2, 3, 4], 1 / 3),  # (-3 - 2 + 3 + 12) / (3 * 10)
        ([-4, 1, 2, 3], 1 / 3),  # by size
        ([-3, -1], 0.5),
    ],
)
def test_gini(values: list[float], expected: float) -> None:
    assert gini(f4(values)) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[1.0], [0, 0, 0]])
def test_there_is_no_gini_of_one_pixel_or_of_no_light(values: list[float]) -> None:
    assert math.isnan(gini(f4(values)))


def test_m20_of_points() -> None:
    image = np.zeros((5, 7), dtype=np.float32)
    image[2, [1, 2, 4, 5]] = [1, 9, 9, 1]  # of 20, the nines are the brightest fifth and more
    values, columns, rows = pixels_in(image, (image > 0).astype(np.uint8), 4)
    assert values.tolist() == [1, 9, 9, 1]
    assert columns.tolist() == [1, 2, 4, 5]
    assert rows.tolist() == [2, 2, 2, 2]
    found = m20(values, columns, rows, np.sort(values))
    assert found == pytest.approx(math.log10(18 / (18 + 2 * 4)))
    one = f4([5])
    assert math.isnan(m20(one, f4([3]), f4([2]), one)), "a point has no moment"


def test_asymmetry_of_two_pixels() -> None:
    image = np.zeros((9, 9), dtype=np.float32)
    image[4, 2], image[4, 6] = 3, 1
    good = np.ones_like(image)
    inside = np.zeros_like(image)
    assert coverage(inside, 1.0, 4.0, 4.0, 4.0, 4.0, 0.0) == (0, 9)
    rows = (0, 9)
    for margin in (1, 7):
        turned = reversed_copy(image, 0.0, margin)
        halves = np.empty((3, *image.shape), dtype=np.float32)
        turned_difference(image, turned, good, good[:1], 4.0, 4.0, halves)
        total, apart, area = (weighted(inside, each, rows) for each in halves)
        assert (total, apart) == pytest.approx((4, 4))  # |3 - 1| + |1 - 3| over 3 + 1: A = 1
        assert area == pytest.approx(16 * math.pi, rel=1e-4)
        turned_difference(image, turned, good, good[:1], 4.25, 4.0, halves)
        assert halves[0].sum() == 4
        assert halves[1].sum() == pytest.approx(2.5 + 0.5 + 1.5 + 0.5)  # pixels 2, 3, 6 and 7
        good[4, 3] = 0
        partners = reversed_copy(good, 1.0, margin)
        turned_difference(image, turned, good, partners, 4.0, 4.0, halves)
        assert halves[2].sum() == 79, "neither a bad pixel nor its partner counts"
        good[4, 3] = 1


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("center", "most"), [((21.6, 20.3), 0.02), ((6.2, 33.7), 0.1)])
def test_a_center_between_pixels_is_found(
    center: tuple[float, float], most: float, masked: bool
) -> None:
    y, x = np.indices((41, 43))
    image = f4(np.exp(-((y - center[1]) ** 2 + (x - center[0]) ** 2) / 30))
    good = np.ones_like(image)
    if masked:
        good[12, 30], image[12, 30] = 0, 0
    turns = half_turns(image, good, masked, 12.0)
    xc, yc, least = asymmetry_center(turns, 43, center[0] - 1.3, center[1] + 0.4, 12.0, 0.0)
    assert (xc, yc) == pytest.approx(center, abs=0.02)
    assert least < most, "only light beyond the edge has no counterpart"


def test_ellipses_have_their_area_and_light() -> None:
    flat = sums_of(np.full((40, 50), 2.0))
    for a, b, theta in ((3, 3, 0), (10, 4, 0.7), (15, 3, -1.2), (0.7, 0.5, 0.3)):
        light, area = ellipse_sums(flat, flat, False, 24.3, 19.8, a, b, theta)
        assert area == pytest.approx(math.pi * a * b, rel=1e-4)
        assert light == pytest.approx(2 * area)
    light, area = ellipse_sums(flat, flat, False, -0.5, 20.0, 5.0, 5.0, 0.0)
    assert area == pytest.approx(12.5 * math.pi, rel=1e-4), "half of it lies outside"
    assert ellipse_sums(flat, flat, False, 20.0, 20.0, 0.0, 0.0, 0.0) == (0, 0)
    good = np.ones((40, 50), dtype=np.float32)
    good[:, 25:] = 0
    _, area = ellipse_sums(flat, sums_of(good), True, 24.5, 20.0, 5.0, 5.0, 0.0)
    assert area == pytest.approx(12.5 * math.pi, rel=1e-4), "half of it is masked"


@pytest.mark.parametrize("ellipse", [(24.3, 19.8, 10, 4, 0.7), (3.2, 36.5, 9.0, 8.0, 1.0)])
def test_the_coverage_of_pixels_is_that_of_the_sums(ellipse: tuple[float, ...]) -> None:
    image = f4(np.random.default_rng(5).normal(3, 1, (40, 50)))
    inside = np.zeros_like(image)
    rows = coverage(inside, 1.0, *ellipse)
    assert rows == (*np.flatnonzero(inside.any(1))[[0]], np.flatnonzero(inside.any(1))[-1] + 1)
    light, area = ellipse_sums(sums_of(image), sums_of(image), False, *ellipse)
    assert weighted(inside, image, rows) == pytest.approx(light, rel=1e-6)
    assert inside.sum() == pytest.approx(area, rel=1e-6)
    assert inside.max() <= 1 + 1e-6
    coverage(inside, -1.0, *ellipse)
    assert np.abs(inside).max() < 1e-6


def test_petrosian_and_light_radii_of_an_exponential_disk() -> None:
    scale = 6.0
    y, x = np.indices((201, 201)) - 100.0
    sums = sums_of(1000 * np.exp(-np.hypot(x, y) / scale))

    def grown(r: float) -> float:  # the part of the light within r scale lengths
        return 1 - (1 + r) * math.exp(-r)

    def excess(r: float) -> float:
        return r * r * math.exp(-r) / (2 * grown(r)) - 0.2

    petrosian = scale * float(optimize.brentq(excess, 1, 10))
    circle = (100.0, 100.0, 1.0, 0.0)
    profile = coarse_profile(sums, sums, False, circle, 99.0)
    found, problem = petrosian_radius(sums, sums, False, circle, *profile)
    assert (found, problem) == (pytest.approx(petrosian, rel=5e-3), 0)
    radii = np.empty(3)
    assert light_radii(sums, circle, 1.5 * petrosian, np.array([0.2, 0.5, 0.8]), profile[0], radii)
    end = grown(1.5 * petrosian / scale)
    for part, radius in zip((0.2, 0.5, 0.8), radii, strict=True):
        assert grown(radius / scale) == pytest.approx(part * end, rel=5e-3)
    assert 5 * math.log10(radii[2] / radii[0]) == pytest.approx(2.7, abs=0.1)


def test_light_that_never_falls_or_falls_at_once_has_no_petrosian_radius() -> None:
    flat = sums_of(np.ones((30, 30)))
    middle = (15.0, 15.0, 1.0, 0.0)
    profile = coarse_profile(flat, flat, False, middle, 99.0)
    assert petrosian_radius(flat, flat, False, middle, *profile)[1] == 1
    point = np.zeros((30, 30))
    point[15, 15] = 1
    sums = sums_of(point)
    profile = coarse_profile(sums, sums, False, middle, 99.0)
    assert petrosian_radius(sums, sums, False, middle, *profile)[1] == 2


def test_areas_of_modes() -> None:
    image = np.zeros((8, 12), dtype=np.float32)
    image[1:3, 1:4] = 5  # six pixels
    image[5, 6:9] = 4  # three
    image[3:5, 4:6] = 1  # a bridge at a lower level
    region = (image > 0).astype(np.uint8)
    pixels = ordered_pixels(image, region)
    assert multimode(pixels, image.shape, 13) == pytest.approx(3 / 6)
    assert multimode(pixels, image.shape, 20) == pytest.approx(3 / 6), (
        "seven pixels fainter than any"
    )
    pixels = ordered_pixels(image, (image == 5).astype(np.uint8))
    assert multimode(pixels, image.shape, 6) == 0, "one region"


def test_intensity_and_deviation_of_two_peaks() -> None:
    image = np.zeros((21, 41), dtype=np.float32)
    image[10, 10], image[10, 30] = 4, 1
    region = np.ones(image.shape, dtype=np.uint8)
    intensity, deviation = intensity_and_deviation(image, region, 100)
    assert intensity == pytest.approx(1 / 4, rel=1e-5)
    assert deviation == pytest.approx(math.sqrt(math.pi / 100) * 4)  # the centroid is at 14


def test_moments_of_a_rod() -> None:
    image = np.zeros((9, 9), dtype=np.float32)
    image[4, 2:7] = 1
    moments = np.empty(6)
    source_moments(image, (image > 0).astype(np.uint8), moments)
    assert moments == pytest.approx([5, 4, 4, 2, 0, 0])
    ratio, theta, odd = ellipse_of(moments, 4.0, 4.0)
    assert (ratio, theta, odd) == (pytest.approx(math.sqrt((1 / 12) / (2 + 1 / 12))), 0, True)


def test_a_sersic_profile_is_found_again() -> None:
    for n in (0.7, 1.0, 2.5, 4.0):
        b = sersic_b(n)
        y, x = np.indices((121, 121)) - 60.0
        fine = (np.arange(16) - 7.5) / 16
        image = np.zeros(x.shape)
        for dy in fine:
            for dx in fine:
                along, across = x + dx, (y + dy) / 0.6
                image += np.exp(-b * ((np.hypot(along, across) / 12) ** (1 / n) - 1)) / 256
        good = np.ones(image.shape, dtype=np.float32)
        found = fit_sersic(f4(image), good, (60.0, 60.0, 0.6, 0.0), 55.0, 1.5, 8.0, 0.0)
        assert found[3]
        assert found[:2] == (pytest.approx(n, rel=0.02), pytest.approx(12, rel=0.02))


def test_b_of_an_exponential_and_of_de_vaucouleurs() -> None:
    assert sersic_b(1.0) == pytest.approx(1.67835, abs=1e-4)
    assert sersic_b(4.0) == pytest.approx(7.66925, abs=1e-4)
    assert sersic_b(0.3600001) == pytest.approx(sersic_b(0.36), abs=3e-3)


def test_the_sky() -> None:
    empty = np.ones((40, 40), dtype=np.uint8)
    assert find_box(empty) == (0, 0, 32)
    empty[10, 10] = 0
    assert find_box(empty) == (0, 11, 16)
    assert find_box(np.zeros((40, 40), dtype=np.uint8))[2] == 0
    assert sky_asymmetry(f4([[1, 2], [3, 7]])) == pytest.approx((6 + 1 + 1 + 6) / 4)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (200, 200)).astype(np.float32)
    everywhere = np.ones(noise.shape, dtype=np.uint8)
    whole = matched_asymmetry(noise, everywhere, 100.0, 99.5, 0.0, 1)
    half = matched_asymmetry(noise, everywhere, 100.25, 99.75, 9.0, 1)
    assert whole == pytest.approx(2 / math.sqrt(math.pi), rel=0.01)  # of a difference of two
    assert math.isnan(matched_asymmetry(noise, everywhere, 100.0, 100.0, 150.0, 1))
    assert half == pytest.approx(math.sqrt(2 / math.pi * 1.25), rel=0.01)  # of the mean of four


def test_the_mode_does_not_see_sources() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(3, 1, 900), np.full(40, 50.0)]).astype(np.float32)
    mode, sigma = clipped_mode(values)
    assert (mode, sigma) == (pytest.approx(3, abs=0.15), pytest.approx(1, abs=0.08))
    assert clipped_mode(f4([2, 2, 2])) == (2, 0)


def test_a_hot_pixel_is_an_outlier() -> None:
    rng = np.random.default_rng(2)
    image = rng.normal(0, 1, (20, 20)).astype(np.float32)
    image[7, 9] = 60
    marks = np.empty(image.shape, dtype=np.uint8)
    assert find_outliers(image, 10.0, marks) == 1
    assert marks[7, 9] == 1
    assert find_outliers(np.full((5, 5), 3, dtype=np.float32), 10.0, marks[:5, :5]) == 0


def test_corners_touch() -> None:
    above = np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]], dtype=np.uint8)
    region = np.empty_like(above)
    assert grow(above, 0, 0, region) == 2
    assert region.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    assert above.tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_regions_are_those_of_scipy() -> None:
    rng = np.random.default_rng(6)
    for smooth in (0.0, 1.5):
        image = f4(ndimage.gaussian_filter(rng.normal(0, 1, (27, 31)), smooth))
        image = f4(np.round(image, 1))  # some of one brightness
        above = image > np.quantile(image, 0.6)
        labels, count = ndimage.label(above, np.ones((3, 3)))
        for label in range(1, count + 1):
            y, x = np.argwhere(labels == label)[0]
            region = np.empty(image.shape, dtype=np.uint8)
            assert grow(above.astype(np.uint8), y, x, region) == (labels == label).sum()
            assert np.array_equal(region, labels == label)
        places = np.flatnonzero(above).astype(np.int32)
        values = image.ravel()[places]
        order = np.argsort(values, kind="stable").astype(np.int32)
        peak = int(values.argmax())
        largest, second = areas_of_regions(values, order, places, image.shape)
        areas, light = region_of_peak(values, order, places, image.shape, peak)
        for k in range(len(values)):
            bright = above & (image >= values[order[k]])
            labels, count = ndimage.label(bright, np.ones((3, 3)))
            sizes = np.sort(np.bincount(labels.ravel(), minlength=3)[1:])[::-1]
            assert (largest[k], second[k]) == tuple(sizes[:2])
            main = labels == labels.ravel()[places[peak]]
            assert areas[k] == main.sum()
            assert light[k] == pytest.approx(image[main].sum(dtype=float), abs=1e-5)


def test_filters_are_those_of_scipy() -> None:
    image = np.random.default_rng(3).normal(0, 1, (17, 23)).astype(np.float32)
    for sigma in (0.6, 1.0, 3.3, 8.0):
        expected = ndimage.gaussian_filter(image.astype(float), sigma, mode="constant")
        assert gaussian(image, sigma, CONSTANT) == pytest.approx(expected, abs=1e-5)
        expected = ndimage.gaussian_filter(image.astype(float), sigma, mode="reflect")
        assert gaussian(image, sigma, REFLECT) == pytest.approx(expected, abs=1e-5)
    for size in (1, 2, 3, 4, 7, 30):
        expected = ndimage.uniform_filter(image.astype(float), size)
        assert uniform(image, size) == pytest.approx(expected, abs=1e-5)


def test_sorting() -> None:
    values = np.random.default_rng(4).normal(0, 1e3, 999).astype(np.float32)
    values[:9] = [0, -0.0, 1e30, -1e30, 1e-40, np.inf, -np.inf, 3, 3]
    assert np.array_equal(sort_ascending(values), np.sort(values))
    order = argsort_ascending(values)
    assert np.array_equal(values[order], np.sort(values))
    assert sorted(order.tolist()) == list(range(999))
    for one, two in ((0, 998), (499, 158)):
        assert order_statistics(values, one, two) == tuple(np.sort(values)[[one, two]])


def test_the_stretch_is_undone_to_rounding() -> None:
    pixels = np.concatenate([np.linspace(-30, 30, 4001), np.linspace(-0.6, 0.6, 999)])
    pixels = np.append(pixels, [np.nan, np.inf]).astype(np.float32)
    light, good = np.empty_like(pixels), np.empty_like(pixels)
    undo_stretch(pixels, True, light, good)
    assert light[:-2] == pytest.approx(np.sinh(pixels[:-2].astype(float)), rel=2e-6)
    assert light[-2:].tolist() == good[-2:].tolist() == [0, 0]
    undo_stretch(pixels, False, light, good)
    assert np.array_equal(light[:-2], pixels[:-2])
    assert (good[:-2] == 1).all()
