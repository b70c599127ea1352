"""The kernels against the same definitions in plain NumPy and SciPy."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.features import Shape
from galfeat.features.shape import reference
from galfeat.features.shape.statistics.gini_m20 import petrosian_segment
from galfeat.features.shape.statistics.mid import (
    intensity_and_deviation,
    mid_segment,
    multimode,
    ordered_pixels,
    those_in,
)

Floats = NDArray[np.float64]


def galaxy(seed: int) -> Floats:
    """Return a tilted disk with clumps and unit noise, on 50 x 54 pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((50, 54))
    image = rng.normal(0, 1, y.shape)
    angle = rng.uniform(0, np.pi)
    dx, dy = x - rng.uniform(25, 28), y - rng.uniform(23, 26)
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    image += 60 * np.exp(-np.hypot(along, across / 0.7) / rng.uniform(2.5, 3.5))
    for _ in range(3):
        cy, cx = rng.uniform(-5, 5, 2)
        image += rng.uniform(5, 15) * np.exp(-((dx - cx) ** 2 + (dy - cy) ** 2) / 4)
    return image.astype(np.float32).astype(float)


@pytest.fixture(params=[1, 2], scope="module")
def image(request: pytest.FixtureRequest) -> Floats:
    return galaxy(request.param)


@pytest.mark.slow
def test_the_same_numbers_by_the_slow_way(image: Floats) -> None:
    y, x = np.indices(image.shape)
    source = np.hypot(y - 24.5, x - 26.5) < 13
    shape = Shape("linear", outlier_sigma=0.0)
    table = shape.measure(image[None, None], segments=source[None].astype(int))
    found = {name: float(table.column("band1", name)[0]) for name in table.names}
    top, left = 24 - 32, 26 - 32  # the stamp is 2.5 times 25 pixels: more than the image
    assert (top, left) < (0, 0)
    center = found["x_center"], found["y_center"]
    ratio, theta = 1 - found["ellipticity"], found["orientation"]
    petrosian = reference.petrosian_radius(image, center)
    assert found["r_petro_circ"] == pytest.approx(petrosian, rel=2e-3)
    long = reference.petrosian_radius(image, center, ratio, theta)
    assert found["r_petro_ellip"] == pytest.approx(long, rel=2e-3)
    for name, part in (("r20", 0.2), ("r50", 0.5), ("r80", 0.8), ("r90", 0.9)):
        expected = reference.light_radius(image, center, 1.5 * petrosian, part)
        assert found[name] == pytest.approx(expected, rel=5e-3)
    assert found["concentration"] == pytest.approx(5 * np.log10(found["r80"] / found["r20"]))

    first = found["x_centroid"], found["y_centroid"]
    aperture = 1.5 * reference.petrosian_radius(image, first)
    sky = _sky_of(image, source, reference_box(source))
    expected = reference.asymmetry(image, center, aperture, sky)
    assert found["asymmetry"] == pytest.approx(expected, abs=2e-3)
    where = reference.asymmetry_center(image, first, aperture, sky)
    assert center == pytest.approx(where, abs=0.05)

    segment = reference.petrosian_segment(image, first, long, ratio, theta)
    assert found["gini"] == pytest.approx(reference.gini(image[segment]), abs=2e-3)
    assert found["m20"] == pytest.approx(reference.m20(image, segment), abs=2e-3)
    clump = reference.mid_segment(image, source)
    assert found["multimode"] == pytest.approx(reference.multimode(image, clump & source, source))
    deviation, intensity = reference.deviation_and_intensity(image, clump & source)
    assert found["deviation"] == pytest.approx(
        deviation * np.sqrt((clump & source).sum() / clump.sum()), abs=1e-4
    )
    assert found["intensity"] == pytest.approx(intensity, abs=1e-4)


def reference_box(source: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return row, column and side of the first empty box."""
    ny, nx = source.shape
    for side in (32, 16, 8, 4, 2):
        for y in range(ny - side):
            for x in range(nx - side):
                if not source[y : y + side, x : x + side].any():
                    return y, x, side
    raise AssertionError("no empty box")


def _sky_of(image: Floats, source: NDArray[np.bool_], box: tuple[int, int, int]) -> float:
    del source
    y, x, side = box
    sky = image[y : y + side, x : x + side]
    return float(np.abs(sky - sky[::-1, ::-1]).mean())


def test_segments_are_the_same_pixel_by_pixel(image: Floats) -> None:
    y, x = np.indices(image.shape)
    source = np.hypot(y - 24.5, x - 26.5) < 13
    light = image.astype(np.float32)
    region = np.empty(light.shape, dtype=np.uint8)
    expected = reference.petrosian_segment(image, (26.2, 24.4), 9.0, 0.8, 0.4)
    count, _ = petrosian_segment(light, (26.2, 24.4, 0.8, 0.4), 9.0, region)
    assert count == region.sum()
    assert (region != expected).sum() <= 2, "pixels at the very level may fall to either side"
    area, _ = mid_segment(ordered_pixels(light, source.astype(np.uint8)), region)
    assert np.array_equal(region, reference.mid_segment(image, source))
    assert area == region.sum()
    inside = (region == 1) & source
    pixels = ordered_pixels(light, source.astype(np.uint8))
    pixels = those_in(pixels, inside.astype(np.uint8))
    assert multimode(pixels, light.shape, int(source.sum())) == pytest.approx(
        reference.multimode(image, inside, source)
    )
    found = intensity_and_deviation(light, inside.astype(np.uint8), int(inside.sum()))
    assert found[::-1] == pytest.approx(reference.deviation_and_intensity(image, inside), abs=1e-5)


def test_smoothness_by_the_slow_way(image: Floats) -> None:
    from galfeat.features.shape.images.apertures import row_sums
    from galfeat.features.shape.statistics.smoothness import smoothness

    sums = np.empty((image.shape[0], image.shape[1] + 1))
    row_sums(image.astype(np.float32), sums)
    found = smoothness(image.astype(np.float32), sums, 26.3, 24.1, 13.0, 0.2)
    assert found == pytest.approx(reference.smoothness(image, (26.3, 24.1), 13.0, 0.2), abs=1e-3)
