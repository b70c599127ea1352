"""Shape as an extractor: what it promises, and what it does with bad input."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.features import Shape
from galfeat.features.shape import ShapeTable, planes
from galfeat.features.shape.quantities import COLORS, DETAILS, FLAGS, NAMES, QUANTITIES

Images = NDArray[np.float32]

NUMBERS = (
    "r_petro_circ",
    "concentration",
    "gini",
    "m20",
    "ellipticity",
    "r_half_circ",
    "deviation",
)


def disk(
    size: int = 64,
    peak: float = 100.0,
    scale: float = 3.5,
    ratio: float = 0.6,
    center: tuple[float, float] | None = None,
) -> Images:
    """Return an exponential disk without noise, shape (size, size)."""
    y, x = np.indices((size, size))
    cx, cy = center or ((size - 1) / 2 + 0.3, (size - 1) / 2 - 0.2)
    along, across = 0.8 * (x - cx) + 0.6 * (y - cy), 0.8 * (y - cy) - 0.6 * (x - cx)
    image: Images = (peak * np.exp(-np.hypot(along, across / ratio) / scale)).astype(np.float32)
    return image


def noisy(image: Images, seed: int = 0) -> Images:
    noise = np.random.default_rng(seed).normal(0, 1, image.shape)
    return (image + noise).astype(np.float32)


def measured(image: Images, **settings: float) -> ShapeTable:
    return Shape("linear", **settings).measure(image[None, None])  # type: ignore[arg-type]


def flags_of(table: ShapeTable, plane: int = 0) -> set[str]:
    bits = int(table.flags[0, plane])
    return {flag.name for bit, flag in enumerate(FLAGS) if bits >> bit & 1}


def test_a_disk_has_its_numbers() -> None:
    table = measured(noisy(disk(peak=300)))
    assert table.quality[0, 0] == 0
    assert table.valid.all()
    found = {name: float(table.column("band1", name)[0]) for name in NAMES}
    assert found["ellipticity"] == pytest.approx(0.4, abs=0.03)
    assert found["elongation"] == pytest.approx(1 / (1 - found["ellipticity"]))
    assert found["orientation"] == pytest.approx(np.arctan2(0.6, 0.8), abs=0.03)
    assert found["sersic_n"] == pytest.approx(1, abs=0.05)
    assert found["sersic_r_eff"] == pytest.approx(1.678 * 3.5, rel=0.03)
    assert found["r_petro_ellip"] == pytest.approx(3.63 * 3.5, rel=0.03)
    assert (found["x_center"], found["y_center"]) == pytest.approx((31.8, 31.3), abs=0.3)
    assert abs(found["asymmetry"]) < 0.05
    assert found["gini_m20_merger"] < 0, "no merger"


@pytest.mark.parametrize("peak", [300, 60, 20, 8])
def test_a_symmetric_disk_has_no_asymmetry_at_any_signal_to_noise(peak: float) -> None:
    """The literature's falls below zero as noise grows; with the sky interpolated alike not."""
    image = disk(peak=peak, ratio=1.0, scale=4.0)
    y, x = np.indices(image.shape)
    segments = (np.hypot(y - 31.5, x - 31.5) < 16).astype(int)
    images = np.stack([noisy(image, seed) for seed in range(30)])[:, None]
    table = Shape("linear", sersic=False).measure(images, segments=np.repeat(segments[None], 30, 0))
    found = table.column("band1", "asymmetry_matched_sky").compressed()
    assert len(found) == 30
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(30) + 0.006
    assert table.column("band1", "asymmetry").mean() < 0.01


def test_planes_are_the_detection_image_and_the_bands() -> None:
    one, three = Shape("linear"), Shape("linear")
    bands = np.stack([noisy(disk(peak=peak), int(peak)) for peak in (50, 80, 120)])
    table = three.measure(bands[None], bands=("g", "r", "i"))
    assert table.planes == ("detection", "g", "r", "i")
    assert one.measure(bands[None, :1], bands=("g",)).planes == ("g",)
    assert three.feature_names(("g", "r"), (64, 64))[0] == "detection_ellipticity"
    assert one.feature_names(("g",), (64, 64))[-1] == "g_quality"
    mean = (bands.sum(axis=0) / np.sqrt(3)).astype(np.float32)
    same = one.measure(mean[None, None], segments=table.segments)
    assert table.values[0, 0] == pytest.approx(same.values[0, 0], rel=1e-3, abs=1e-3)
    with pytest.raises(UsageError, match="bands must be the names of 3 bands"):
        three.measure(bands[None], bands=("g",))


def test_both_stretches_give_the_same() -> None:
    light = noisy(disk())[None, None]
    one = Shape("linear").measure(light)
    two = Shape().measure(np.arcsinh(light))
    assert two.values == pytest.approx(one.values, rel=2e-3, abs=2e-3)
    assert np.array_equal(one.flags, two.flags)


CHANGES: dict[str, Callable[[Images], Images]] = {
    "turned by 90 degrees": lambda image: np.rot90(image),
    "turned by 180 degrees": lambda image: image[::-1, ::-1],
    "mirrored": lambda image: image[:, ::-1],
    "transposed": lambda image: image.T,
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_turns_and_flips(change: str) -> None:
    image = disk(ratio=0.7)
    y, x = np.indices(image.shape)
    image = image + 20 * np.exp(-((y - 26) ** 2 + (x - 37) ** 2) / 6).astype(np.float32)
    segments = (image > 1.5).astype(int)
    shape = Shape("linear", outlier_sigma=0)
    one = shape.measure(image[None, None], segments=segments[None])
    turned, turned_segments = CHANGES[change](image), CHANGES[change](segments)
    two = shape.measure(np.ascontiguousarray(turned)[None, None], segments=turned_segments[None])
    for name in (*NUMBERS, "intensity", "multimode", "asymmetry", "smoothness", "sersic_n"):
        place = NAMES.index(name)
        assert two.values[0, 0, place] == pytest.approx(one.values[0, 0, place], rel=0.02, abs=0.01)


@pytest.mark.parametrize(("factor", "close"), [(2.0**20, 0.0), (2.0**-30, 0.0), (3.7e5, 1e-3)])
def test_the_unit_of_flux_changes_nothing(factor: float, close: float) -> None:
    image = noisy(disk())
    segments = (disk() > 3).astype(int)[None]
    shape = Shape("linear")
    one = shape.measure(image[None, None], segments=segments)
    two = shape.measure((image * np.float32(factor))[None, None], segments=segments)
    fluxes = [k for k, name in enumerate(NAMES) if name.startswith(("flux", "sky", "sn_"))]
    noise = [k for k, name in enumerate(NAMES) if name in DETAILS and name != "r_rms"]
    expected = one.values.copy()
    expected[..., fluxes] *= factor
    # the details are measured in units of the noise
    expected[..., noise] = two.values[..., noise]
    assert two.values == pytest.approx(expected, rel=close + 1e-12, abs=close)


def test_a_sky_that_is_not_zero_is_flagged() -> None:
    image = noisy(disk()) + np.float32(3)
    segments = (disk() > 3).astype(int)[None]
    table = Shape("linear").measure(image[None, None], segments=segments)
    assert "sky_offset" in flags_of(table)
    assert table.column("band1", "sky_mean")[0] == pytest.approx(3, abs=0.3)


def test_without_a_source_quantities_are_masked_and_flagged() -> None:
    for image in (np.zeros((64, 64)), -disk(), noisy(np.zeros((64, 64), dtype=np.float32))):
        table = measured(image.astype(np.float32))
        assert flags_of(table) == {"no_source"}
        assert not table.valid.any()
        assert (table.values == 0).all()
        assert table.quality[0, 0] == 2
    assert table.reasons(0, "band1") == ["no source stands out of the noise near the center"]


def test_segments_in_any_order_of_memory_are_measured_by_one_compiled_version() -> None:
    image = noisy(disk())
    segments = (disk() > 3).astype(int)
    shape = Shape("linear")
    one = shape.measure(image[None, None], segments=segments[None])
    kernel: Any = planes.measure_images
    compiled = len(kernel.signatures)
    two = shape.measure(image[None, None], segments=np.asfortranarray(segments)[None])
    assert len(kernel.signatures) == compiled
    np.testing.assert_array_equal(two.values, one.values)


def test_negative_light_in_a_given_segment() -> None:
    segments = (disk() > 3).astype(int)[None]
    table = Shape("linear").measure(-disk()[None, None], segments=segments)
    assert flags_of(table) == {"nonpositive_flux"}
    assert not table.valid.any()


def test_a_galaxy_cut_by_the_edge() -> None:
    table = measured(noisy(disk(center=(55.0, 62.0), ratio=1.0, scale=1.5)))
    assert flags_of(table) == {"no_source"}, "it lies too far from the center"
    assert (table.segments == 2).any()
    table = measured(noisy(disk(scale=12, ratio=1.0, center=(25.0, 20.0))))
    assert "at_edge" in flags_of(table)
    assert table.quality[0, 0] > 0


def test_a_masked_center() -> None:
    image = noisy(disk(ratio=1.0))
    image[29:35, 29:35] = np.nan
    table = measured(image)
    assert "center_masked" in flags_of(table)
    assert table.quality[0, 0] == 2


def test_a_few_bad_pixels_change_little() -> None:
    image = noisy(disk(peak=300))
    one = measured(image)
    image[20:23, 40:44] = np.nan
    image[45, :] = np.nan
    two = measured(image)
    for name in NUMBERS:
        place = NAMES.index(name)
        assert two.values[0, 0, place] == pytest.approx(one.values[0, 0, place], rel=0.05, abs=0.03)


def test_a_point_source_is_small() -> None:
    y, x = np.indices((64, 64))
    image = noisy((500 * np.exp(-((y - 31.4) ** 2 + (x - 31.6) ** 2) / 2)).astype(np.float32))
    table = measured(image, outlier_sigma=0)
    assert "small" in flags_of(table)
    assert "small" not in flags_of(measured(image, outlier_sigma=0, smallest_radius=0.5))


def test_two_equal_objects() -> None:
    def small(x: float) -> Images:
        return disk(center=(x, 32.0), scale=1.5, ratio=1.0)

    image = noisy(small(20.0) + small(44.0))
    apart = measured(image)
    assert (apart.segments == 2).any(), "the other one is a neighbor"
    image = noisy(small(28.0) + small(36.0))
    merged = measured(image)
    assert float(merged.column("band1", "intensity")[0]) > 0.7
    assert float(merged.column("band1", "m20")[0]) > float(apart.column("band1", "m20")[0])


@pytest.mark.parametrize(("bands", "size"), [(1, 16), (10, 32), (2, 200), (1, 1024)])
def test_any_number_of_bands_and_any_size(bands: int, size: int) -> None:
    image = noisy(np.repeat(disk(size, scale=size / 25, peak=200)[None], bands, axis=0))
    shape = Shape("linear", outlier_sigma=0)
    vectors = shape.fit_transform(image[None])
    planes = bands + (bands > 1)
    columns = planes * (sum(q.feature for q in QUANTITIES) + 1) + (bands - 1) * len(COLORS)
    assert vectors.shape == (1, columns)
    assert np.isfinite(vectors).all()
    if size >= 32:
        table = shape.measure(image[None])
        assert table.valid[0, 0, NAMES.index("gini")]


def test_what_could_not_be_measured_takes_the_median_of_training() -> None:
    good = np.stack([noisy(disk(scale=scale), 7) for scale in (2.5, 3.0, 3.5)])[:, None]
    shape = Shape("linear").fit(good)
    vectors = shape.transform(good)
    assert np.array_equal(shape.fill_values_, np.median(vectors, axis=0))
    empty = shape.transform(np.zeros((1, 1, 64, 64)))
    assert np.array_equal(empty[0, :-1], shape.fill_values_[:-1])
    assert empty[0, -1] == 2, "and is marked as bad"


def test_rows_without_enough_pixels_are_refused() -> None:
    images = np.repeat(noisy(disk())[None, None], 3, axis=0)
    images[1, 0, :40] = np.nan
    shape = Shape("linear")
    with pytest.raises(CutoutError) as caught:
        shape.measure(images)
    assert list(caught.value.reasons) == [1]
    assert "37.5 % good pixels" in caught.value.reasons[1]
    with pytest.raises(UsageError, match="needs at least 16x16"):
        shape.fit(np.zeros((1, 1, 15, 40)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stretch": "log"}, "stretch must be one of asinh, linear"),
        ({"threshold": -1}, "threshold must be a number of at least 0"),
        ({"outlier_sigma": "many"}, "outlier_sigma must be a number"),
        ({"smallest_radius": np.nan}, "smallest_radius must be a number"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Shape(**settings).fit(np.zeros((1, 1, 32, 32)))  # type: ignore[arg-type]


def test_invalid_segments_are_refused() -> None:
    images = np.zeros((2, 1, 32, 32))
    for wrong in (np.zeros((2, 32, 31), dtype=int), np.zeros((2, 32, 32))):
        with pytest.raises(
            UsageError, match=r"segments must be whole numbers of shape .* = \(2, 32, 32\)"
        ):
            Shape().measure(images, segments=wrong)


def test_columns_of_the_table() -> None:
    table = measured(noisy(disk()))
    assert list(table.columns()) == [f"band1_{name}" for name in NAMES]
    assert len(table.units) == len(table.names) == table.values.shape[2]
    assert table.reasons(0, "band1") == []
    with pytest.raises(UsageError, match="there is no plane 'g'; there are band1"):
        table.column("g", "gini")
    with pytest.raises(UsageError, match="there is no quantity 'ginny'; there are x_centroid"):
        table.column("band1", "ginny")
    with pytest.raises(UsageError, match="there is no plane"):
        table.reasons(0, "g")
