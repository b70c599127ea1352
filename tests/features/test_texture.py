from typing import Any

import mahotas
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import feature

from galfeat import UsageError
from galfeat.features import Texture
from galfeat.features.plain.glcm import cooccurrence
from galfeat.features.plain.haralick import STATISTICS, haralick
from galfeat.features.plain.histogram import levels
from galfeat.features.plain.lbp import circle, pattern_fractions, patterns

Planes = NDArray[np.float32]

skimage_feature: Any = feature

pytestmark = pytest.mark.filterwarnings("ignore:Applying `local_binary_pattern` to floating-point images")


@pytest.fixture
def planes(galaxies: Planes) -> Planes:
    return galaxies.reshape(-1, *galaxies.shape[2:])


def test_cooccurrence_by_pencil() -> None:
    codes = np.array([[[0, 0, 1], [1, 2, 2]]])  # level 2 is bad where there are two levels
    with np.errstate(invalid="ignore"):
        right, up_right, up, up_left = cooccurrence(codes, 2, [1])[0, 0]
    assert right.tolist() == [[2 / 4, 1 / 4], [1 / 4, 0]]
    assert up_right.tolist() == [[0, 0.5], [0.5, 0]]
    assert up.tolist() == [[0, 0.5], [0.5, 0]]
    assert np.isnan(up_left).all(), "no pair is left; the extractor gives that as a reason"


def test_cooccurrence_at_distance_one_equals_scikit_image(planes: Planes) -> None:
    codes = levels(planes, 32, (-2.0, 8.0))
    angles = [0, 3 * np.pi / 4, np.pi / 2, np.pi / 4]  # scikit-image turns clockwise
    for code, ours in zip(codes, cooccurrence(codes, 32, [1])[:, 0], strict=True):
        theirs = skimage_feature.graycomatrix(code.astype(np.uint8), [1], angles, levels=32, symmetric=True, normed=True)[:, :, 0]
        assert np.allclose(np.moveaxis(theirs, -1, 0), ours, rtol=1e-15, atol=0)


def test_diagonals_are_true() -> None:
    codes = np.zeros((1, 9, 9), dtype=np.intp)
    codes[0, 4, 4] = codes[0, 0, 8] = 1  # four steps up and four to the right
    assert cooccurrence(codes, 2, [4])[0, 0, 1, 1, 1] > 0
    assert cooccurrence(codes, 2, [3])[0, 0, 1, 1, 1] == 0


def test_haralick_by_pencil() -> None:
    """Two levels, p = [[1/2, 1/4], [1/4, 0]]."""
    found = dict(zip(STATISTICS, haralick(np.array([[0.5, 0.25], [0.25, 0.0]])).tolist(), strict=True))
    log3 = np.log2(3)
    marginal = 2 - 0.75 * log3
    shared = 2 * marginal - 1.5
    expected = {
        "energy": 3 / 8,
        "contrast": 1 / 2,
        "correlation": (0 - 1 / 16) / (3 / 16),
        "variance": 3 / 16,
        "homogeneity": 3 / 4,
        "sum_average": 1 / 2,
        "sum_variance": 1 / 4,
        "sum_entropy": 1,
        "entropy": 3 / 2,
        "difference_variance": 1 / 4,
        "difference_entropy": 1,
        "information1": -shared / marginal,
        "information2": np.sqrt(1 - np.exp(-2 * shared)),
    }
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("distance", [1, 2, 4])
def test_haralick_equals_mahotas(planes: Planes, distance: int) -> None:
    codes = levels(planes, 32, (-2.0, 8.0))
    ours = haralick(cooccurrence(codes, 32, [distance]))[:, 0]
    for code, rows in zip(codes, ours, strict=True):
        theirs = mahotas.features.haralick(code.astype(np.uint8), use_x_minus_y_variance=True, distance=distance)
        assert np.allclose(np.sort(rows, axis=0), np.sort(theirs, axis=0), rtol=1e-5, atol=1e-8)
        assert np.allclose(rows.mean(axis=0), theirs.mean(axis=0), rtol=1e-5, atol=1e-8)


def test_haralick_of_a_constant_image_equals_mahotas() -> None:
    codes = np.full((1, 9, 9), 5)
    ours = haralick(cooccurrence(codes, 8, [1]))[0, 0, 0]
    assert np.allclose(ours, mahotas.features.haralick(codes[0].astype(np.uint8), use_x_minus_y_variance=True)[0], atol=1e-12)
    expected = dict.fromkeys(STATISTICS, 0.0) | {"energy": 1, "correlation": 1, "homogeneity": 1, "sum_average": 10}
    assert dict(zip(STATISTICS, ours.tolist(), strict=True)) == expected


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_patterns_equal_scikit_image_inside(planes: Planes, radius: int) -> None:
    inside = np.s_[radius:-radius, radius:-radius]
    for plane, ours in zip(planes, patterns(planes, radius), strict=True):
        theirs = skimage_feature.local_binary_pattern(plane.astype(np.float64), 8 * radius, radius, "uniform")
        assert np.array_equal(ours, theirs[inside])


def test_patterns_by_pencil() -> None:
    plane = np.zeros((1, 3, 3), dtype=np.float32)
    assert patterns(plane, 1).tolist() == [[[8]]], "as bright as the centre counts as brighter"
    plane[0, 1, 1] = 1
    assert patterns(plane, 1).tolist() == [[[0]]]
    plane[0, 1, 2] = 2  # the right neighbour alone; the diagonal points see it through 0.29 * 0.71 of it at most
    assert patterns(plane, 1).tolist() == [[[1]]]
    plane[0, 1, 0] = 2
    assert patterns(plane, 1).tolist() == [[[9]]], "right and left: four changes"


def test_ties_do_not_depend_on_the_sky() -> None:
    image = np.random.default_rng(3).integers(0, 4, (1, 30, 30)).astype(np.float32)
    for sky in (-1000, 0.125, 1e5):
        assert np.array_equal(patterns(image + np.float32(sky), 2), patterns(image, 2))


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_circles_that_touch_a_bad_pixel_are_left_out(planes: Planes, radius: int) -> None:
    plane = planes[:1].copy()
    plane[0, 20, 20] = np.inf
    touched = patterns(plane, radius)[0] == 8 * radius + 2
    offsets = {(0, 0)} | {offset for point in circle(radius) for offset in point}
    assert {(20 - radius - y, 20 - radius - x) for y, x in np.argwhere(touched).tolist()} == offsets
    assert np.array_equal(patterns(plane, radius)[0][~touched], patterns(planes[:1], radius)[0][~touched])


def test_pattern_fractions_are_of_good_circles(planes: Planes) -> None:
    plane = planes[:1].copy()
    plane[0, :, 25:] = np.nan
    assert np.allclose(pattern_fractions(plane, 2), pattern_fractions(planes[:1, :, :25], 2))
    assert pattern_fractions(plane, 2).sum() == pytest.approx(1)


def test_circle_points() -> None:
    assert circle(1)[0] == {(0, 1): 1.0}
    assert circle(1)[2] == {(-1, 0): 1.0}
    assert set(circle(1)[1]) == {(-1, 0), (-1, 1), (0, 0), (0, 1)}
    assert all(sum(point.values()) == pytest.approx(1) for point in circle(3))


def test_the_vector_is_what_its_names_say(galaxies: Planes) -> None:
    texture = Texture(distances=(1, 2), radii=(1, 3)).fit(galaxies)
    named = dict(zip(texture.get_feature_names_out(["g", "r", "i"]), texture.transform(galaxies)[2], strict=True))
    code = levels(galaxies[2, 1:2], 32, (-2.0, 8.0))[0].astype(np.uint8)
    entropy = mahotas.features.haralick(code, use_x_minus_y_variance=True, distance=2).mean(axis=0)[8]
    assert named["r_glcm_d2_entropy"] == pytest.approx(entropy, rel=1e-6)
    pattern = skimage_feature.local_binary_pattern(galaxies[2, 2].astype(np.float64), 24, 3, "uniform")[3:-3, 3:-3]
    assert named["i_lbp_r3_7"] == pytest.approx((pattern == 7).mean(), rel=1e-6)
    assert named["i_lbp_r3_other"] == pytest.approx((pattern == 25).mean(), rel=1e-6)


def test_masks_without_pairs_or_circles_are_a_reason() -> None:
    y, x = np.indices((20, 20))
    checkered = np.where((y + x) % 2 == 0, 1.0, np.nan)[None, None]
    assert Texture().reasons(checkered) == {0: "band 1 has no pair of good pixels 1 apart in one of the four directions"}
    dotted = np.where((y % 4 == 0) & (x % 4 == 0), np.nan, 1.0)[None, None]
    assert Texture().reasons(dotted) == {0: "band 1 has no circle of radius 2 without a bad pixel"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"levels": 1}, "levels must be a whole number of at least 2"),
        ({"distances": ()}, "distances must be a sequence of different whole numbers"),
        ({"distances": (1, 1)}, "distances must be a sequence of different whole numbers"),
        ({"radii": 2}, "radii must be a sequence"),
        ({"radii": (0,)}, "each of radii must be a whole number of at least 1"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Texture(**settings).transform(np.zeros((1, 2, 20, 20)))  # type: ignore[arg-type]
