"""Binary patterns: the plain version by pencil and against scikit-image, the kernel against
both.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray
from skimage import feature

from galfeat.features import Texture
from galfeat.features.texture.lbp.features import countable, pattern_features, pattern_names
from galfeat.features.texture.lbp.kernel import directed_lbp, lbp
from galfeat.features.texture.lbp.kernel_planes import LARGEST
from galfeat.features.texture.lbp.reference import (
    FINE,
    circle,
    counts,
    directed_patterns,
    pattern_fractions,
    patterns,
)
from galfeat.features.texture.lbp.tables import tables

Planes = NDArray[np.float32]

skimage_feature: Any = feature

pytestmark = pytest.mark.filterwarnings(
    "ignore:Applying `local_binary_pattern` to floating-point images"
)


@pytest.fixture
def planes(galaxies: Planes) -> Planes:
    return galaxies.reshape(-1, *galaxies.shape[2:])


def theirs(plane: NDArray[Any], radius: int, method: str = "uniform") -> NDArray[np.intp]:
    """Return scikit-image's patterns of the circles that lie inside."""
    found = skimage_feature.local_binary_pattern(
        plane.astype(np.float64), 8 * radius, radius, method
    )
    return np.asarray(found[radius:-radius, radius:-radius], dtype=np.intp)


def in_our_order(pattern: NDArray[np.intp], points: int) -> NDArray[np.intp]:
    """Return scikit-image's `nri_uniform` patterns by our numbers: it counts the turn clockwise
    from where a run ends.

    Its number of n points is ``1 + (n - 1) P + r``; r is P minus the first point set, or, for runs
    through point 0, n minus the first point not set.
    """
    number, turn = np.divmod(pattern - 1, points)
    number += 1
    ours = 1 + (number - 1) * points + -turn % points
    return np.where((pattern == 0) | (pattern > points * (points - 1)), pattern, ours)


def plain_counts(images: Planes, radii: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate(
        [counts(patterns(images, radius), 8 * radius + 2) for radius in radii], axis=1
    )


def plain_directed(images: Planes, radii: Sequence[int]) -> NDArray[np.int64]:
    sizes = {radius: 8 * radius * (8 * radius - 1) + 3 for radius in radii}
    return np.concatenate(
        [counts(directed_patterns(images, radius), sizes[radius]) for radius in radii], axis=1
    )


def check(images: NDArray[Any], radii: Sequence[int] = (1, 2, 3)) -> None:
    with np.errstate(over="ignore"):
        images = np.ascontiguousarray(images, dtype=np.float32)
    kept = images.copy()
    assert np.array_equal(lbp(images, radii), plain_counts(images, radii))
    assert np.array_equal(directed_lbp(images, radii), plain_directed(images, radii))
    assert np.array_equal(images, kept, equal_nan=True)


def test_circle_points() -> None:
    assert circle(1)[0] == {(0, 1): FINE**2}
    assert circle(1)[2] == {(-1, 0): FINE**2}
    near, far = 70711, 29289
    assert circle(1)[1] == {
        (-1, 0): near * far,
        (-1, 1): near**2,
        (0, 0): far**2,
        (0, 1): near * far,
    }
    assert all(
        sum(point.values()) == FINE**2 for radius in (1, 2, 3, 10) for point in circle(radius)
    )


@pytest.mark.parametrize("radius", [1, 2, 3, 10])
def test_turns_and_mirrors_exchange_points_exactly(radius: int) -> None:
    points = circle(radius)
    for k, point in enumerate(points):
        assert {(-x, y): weight for (y, x), weight in point.items()} == points[
            (k + 2 * radius) % len(points)
        ]
        assert {(y, -x): weight for (y, x), weight in point.items()} == points[
            (4 * radius - k) % len(points)
        ]


def test_patterns_by_pencil() -> None:
    plane = np.zeros((1, 3, 3), dtype=np.float32)
    assert patterns(plane, 1).tolist() == [[[8]]], "as bright as the center counts as brighter"
    assert lbp(plane, [1]).tolist() == [[0] * 8 + [1, 0]]
    plane[0, 1, 1] = 1
    assert patterns(plane, 1).tolist() == [[[0]]]
    assert lbp(plane, [1]).tolist() == [[1] + [0] * 9]
    # the right neighbor alone; the diagonal points see it through 0.29 * 0.71 of it at most
    plane[0, 1, 2] = 2
    assert patterns(plane, 1).tolist() == [[[1]]]
    assert directed_patterns(plane, 1).tolist() == [[[1]]], "one point, beginning at point 0"
    assert lbp(plane, [1]).tolist() == [[0, 1] + [0] * 8]
    plane[0, 1, 0] = 2
    assert patterns(plane, 1).tolist() == [[[9]]], "right and left: four changes"
    assert lbp(plane, [1]).tolist() == [[0] * 9 + [1]]


def test_directions_by_pencil() -> None:
    """Above the center all is 1, below all is -1: points 0 to 4 are set, ties with the center's row
    included.
    """
    plane = np.array([[[1, 1, 1], [0, 0, 0], [-1, -1, -1]]], dtype=np.float32)
    assert directed_patterns(plane, 1).tolist() == [[[1 + 4 * 8 + 0]]]
    turned = np.ascontiguousarray(np.rot90(plane, axes=(1, 2)))  # counter-clockwise, by two points
    for image, start in ((plane, 0), (turned, 2)):
        found = dict(
            zip(
                pattern_names("directed", 1),
                pattern_features(image, [1], "directed")[0],
                strict=True,
            )
        )
        assert found.pop(f"lbp_r1_5_from_{start}") == 1
        assert not any(found.values())


def test_ties_by_pencil() -> None:
    """A point between pixels that are 3 and -3 from the center, with the same weight, ties: it is
    set.
    """
    plane = np.full((1, 3, 3), -9, dtype=np.float32)
    plane[0, 1, 1] = 0
    near, far = 70711, 29289
    # point 1 lies between those and the center
    plane[0, 0, 1], plane[0, 1, 2], plane[0, 0, 2] = 3, -3, 0
    assert near * far * 3 - near * far * 3 + near**2 * 0 + far**2 * 0 == 0
    assert directed_patterns(plane, 1).tolist() == [[[1 + 1 * 8 + 1]]], (
        "points 1 and 2, straight up"
    )
    mirrored = np.ascontiguousarray(plane[:, ::-1])
    assert patterns(mirrored, 1).tolist() == [[[2]]]
    assert lbp(plane, [1])[0, 2] == lbp(mirrored, [1])[0, 2] == 1


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_counts_equal_scikit_image_inside(planes: Planes, radius: int) -> None:
    points = 8 * radius
    ours, directed = lbp(planes, [radius]), directed_lbp(planes, [radius])
    for row, plane in enumerate(planes):
        assert np.array_equal(patterns(planes[row : row + 1], radius)[0], theirs(plane, radius))
        assert np.array_equal(
            ours[row], np.bincount(theirs(plane, radius).ravel(), minlength=points + 2)
        )
        pattern = in_our_order(theirs(plane, radius, "nri_uniform"), points)
        assert np.array_equal(
            directed[row], np.bincount(pattern.ravel(), minlength=points * (points - 1) + 3)
        )
        assert np.array_equal(directed_patterns(planes[row : row + 1], radius)[0], pattern)


def test_smooth_galaxies_equal_scikit_image() -> None:
    """No noise at all: brightness falls by parts in ten thousand from pixel to pixel in the
    wings.
    """
    y, x = np.indices((64, 64))
    for k, width in enumerate(np.linspace(3, 12, 8)):
        smooth = (
            100
            * np.exp(
                -((y - 30.3 - k / 7) ** 2 + 1.3 * (x - 31.7) ** 2 + 0.4 * x * y / 9)
                / (2 * width**2)
            )
            + 0.01 * x
        ).astype(np.float32)
        for radius in (1, 2, 3):
            assert np.array_equal(
                lbp(smooth[None], [radius])[0],
                np.bincount(theirs(smooth, radius).ravel(), minlength=8 * radius + 2),
            )


def test_whole_numbers_differ_from_scikit_image_at_ties_only() -> None:
    """Between equal pixels scikit-image's rounded interpolation may fall below them; such circles
    are few and all have ties.
    """
    images = np.random.default_rng(5).integers(0, 6, (10, 40, 40)).astype(np.float32)
    differ = 0
    for image in images:
        for radius in (1, 2, 3):
            other = theirs(image, radius) != patterns(image[None], radius)[0]
            differ += int(other.sum())
            ties = np.zeros(other.shape, dtype=bool)
            side = [size - 2 * radius for size in image.shape]
            for point in circle(radius):
                window = [
                    image[radius + dy :, radius + dx :][: side[0], : side[1]] for dy, dx in point
                ]
                total = sum(
                    weight * cut.astype(np.int64)
                    for weight, cut in zip(point.values(), window, strict=True)
                )
                ties |= total == FINE**2 * image[radius:, radius:][: side[0], : side[1]].astype(
                    np.int64
                )
            assert not (other & ~ties).any()
    assert differ > 0


SHAPES = [
    (64, 64),
    (63, 60),
    (48, 40),
    (7, 7),
    (7, 150),
    (150, 7),
    (100, 21),
    (130, 128),
    (90, 200),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "kind", ["noise", "whole", "sky", "holes", "dynamic", "tiny", "half", "stripes"]
)
def test_the_kernel_equals_the_plain_version(kind: str, shape: tuple[int, int]) -> None:
    chance = np.random.default_rng(SHAPES.index(shape))
    images = chance.normal(0, 1, (2, *shape))
    if kind == "whole":
        images = np.rint(images * 2)
    elif kind == "sky":
        images += 1000
    elif kind == "holes":
        images[chance.random(images.shape) < 0.01] = np.nan
        images[0, 1, 2:5] = np.inf
    elif kind == "dynamic":
        images *= 10.0 ** chance.uniform(-45, 39, images.shape)  # beyond float32 at both ends
    elif kind == "tiny":
        images *= 1e-43
    elif kind == "half":
        images[:, : shape[0] // 2] = 5
        images[1, chance.random(shape) < 0.02] = np.nan
    elif kind == "stripes":
        images = np.broadcast_to(np.arange(shape[1]) % 5 * 1e30, images.shape)
    check(images, [radius for radius in (3, 1, 2) if 2 * radius < min(shape)])


@settings(max_examples=60, deadline=None)
@given(
    npst.arrays(
        np.float32,
        st.tuples(st.integers(1, 2), st.integers(5, 20), st.integers(5, 70)),
        elements=st.sampled_from(
            [
                0.0,
                1.0,
                2.0,
                -1.0,
                1e30,
                -1e30,
                1e38,
                1e-40,
                np.nan,
                np.inf,
                0.5,
                3.25,
                1000.0,
                1000.0625,
            ]
        ),
    ),
    st.sampled_from([(1,), (2, 1), (1, 2)]),
)
def test_odd_values(images: Planes, radii: tuple[int, ...]) -> None:
    check(images, radii)


@pytest.mark.parametrize("radius", [1, 2, 3, 10, 16])
def test_one_circle_in_any_order_and_size(radius: int) -> None:
    side = 2 * radius + 1
    images = np.random.default_rng(radius).normal(0, 1, (5, side, side))
    check(images, [radius])
    check(np.random.default_rng(radius).integers(0, 3, (3, side, side + 40)), [radius, 1])
    assert lbp(images.astype(np.float32), [radius]).sum(axis=1).tolist() == [1] * 5


def test_images_of_many_blocks() -> None:
    """More than 8,192 pixels are treated in parts, with a range each; the bright star is in one of
    them.
    """
    images = np.random.default_rng(4).normal(0, 1, (1, 200, 192))
    images[0, 20:24, 30:34] = 1e6
    check(images, (1, 2, 3, 4))
    check(np.rint(images[:, :, :150]), (3, 2))


def test_rows_do_not_depend_on_each_other(planes: Planes) -> None:
    images = planes.copy()
    images[1, 3, 4] = np.nan
    images[2] = np.nan
    together = lbp(images, (1, 2, 3))
    assert np.array_equal(
        np.concatenate([lbp(image[None], (1, 2, 3)) for image in images]), together
    )
    assert not together[2].any(), "no good pixel, no circle"


def test_clean_images_give_the_same_as_flawed_ones(planes: Planes) -> None:
    """A bad last column sends the whole image along the way of flawed ones; the circles before it
    stay what they are.
    """
    wide = np.concatenate(
        [planes, np.full((*planes.shape[:2], 1), np.nan, dtype=np.float32)], axis=2
    )
    assert np.array_equal(lbp(np.ascontiguousarray(wide), (1, 2, 3)), lbp(planes, (1, 2, 3)))


@pytest.mark.parametrize("shape", [(9, 64), (30, 576), (95, 192), (141, 128), (270, 64)])
def test_strips_in_blocks_equal_the_plain_version(shape: tuple[int, int]) -> None:
    """Rows of one word and of several, one block and several, of which the last has rows that are
    not compared in threes.
    """
    chance = np.random.default_rng(8)
    images = chance.normal(0, 1, (2, *shape)).astype(np.float32)
    images[1] = np.round(images[1])
    assert np.array_equal(lbp(images, (1, 2, 4)), plain_counts(images, (1, 2, 4)))
    images[0][chance.random(shape) < 0.002] = np.nan
    images[1][:, 40:] = images[1, 0, 0]
    assert np.array_equal(lbp(images, (1, 2, 4)), plain_counts(images, (1, 2, 4)))


def test_rounding_stays_below_what_counts_as_sure() -> None:
    """The interpolated planes, in the kernel's own scale, against the definition in float64: the
    error is below 2, as promised.
    """
    worst = 0.0
    for seed in range(4):
        image = np.random.default_rng(seed).uniform(-1, 1, (64, 60)).astype(np.float32)
        image[0, 0], image[0, 1] = -1, 1
        table = tables((1, 2, 3), 60, 64)
        for k in range(3):
            radius, length, middle, first, stop = (int(table.heads[k, j]) for j in (0, 2, 3, 6, 12))
            scaled = (image * np.float32(LARGEST)).ravel()
            flat = np.pad(scaled, 300)
            center = np.arange(300 + 10 * 60, 300 + 50 * 60)
            for point in range(first, stop):
                exact = sum(
                    weight / FINE**2 * (flat[center + corner].astype(np.float64) - flat[center])
                    for corner, weight in zip(
                        table.corners[point], table.weights[point], strict=True
                    )
                )
                plane, rest = divmod(int(table.lines[point, 0]), length)
                group = next(
                    g
                    for g in table.groups[table.heads[k, 4] : table.heads[k, 10]]
                    if g[1] - table.heads[k, 5] <= plane < g[1] - table.heads[k, 5] + g[2]
                )
                slope, share = table.mixes[table.heads[k, 5] + plane]
                left = (
                    flat[center + rest - radius * 60 + group[0]],
                    flat[center + rest - radius * 60 + group[0] + 60],
                )
                right = (
                    flat[center + rest - radius * 60 + group[0] + 1],
                    flat[center + rest - radius * 60 + group[0] + 61],
                )
                rows = [slope * (b - a) + share * a for a, b in zip(left, right, strict=True)]
                near, far = rows if point < middle else rows[::-1]
                worst = max(
                    worst, np.abs(table.ratios[point] * far + (near - flat[center]) - exact).max()
                )
    assert 0.1 < worst < 2


def test_ties_do_not_depend_on_the_sky_turns_or_flips() -> None:
    image = np.random.default_rng(3).integers(0, 4, (2, 64, 64)).astype(np.float32)
    found = lbp(image, (1, 2, 3))
    for sky in (-1000, 0.125, 1e5):
        assert np.array_equal(lbp(image + np.float32(sky), (1, 2, 3)), found)
    assert np.array_equal(patterns(image + np.float32(1000), 2), patterns(image, 2))
    for changed in (
        np.rot90(image, axes=(1, 2)),
        image[:, ::-1],
        image[:, :, ::-1],
        image.transpose(0, 2, 1),
    ):
        assert np.array_equal(lbp(np.ascontiguousarray(changed), (1, 2, 3)), found)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_circles_that_touch_a_bad_pixel_are_left_out(planes: Planes, radius: int) -> None:
    plane = planes[:1].copy()
    plane[0, 20, 20] = np.inf
    touched = patterns(plane, radius)[0] == 8 * radius + 2
    offsets = {(0, 0)} | {offset for point in circle(radius) for offset in point}
    assert {(20 - radius - y, 20 - radius - x) for y, x in np.argwhere(touched).tolist()} == offsets
    assert np.array_equal(
        patterns(plane, radius)[0][~touched], patterns(planes[:1], radius)[0][~touched]
    )
    assert lbp(planes[:1], [radius]).sum() - lbp(plane, [radius]).sum() == len(offsets)


def test_pattern_fractions_are_of_good_circles(planes: Planes) -> None:
    plane = planes[:1].copy()
    plane[0, :, 25:] = np.nan
    assert np.allclose(pattern_fractions(plane, 2), pattern_fractions(planes[:1, :, :25], 2))
    assert pattern_fractions(plane, 2).sum() == pytest.approx(1)
    assert np.array_equal(pattern_features(plane, [2], "uniform"), pattern_fractions(plane, 2))


def test_a_plane_without_a_whole_circle_is_known() -> None:
    y, x = np.indices((20, 20))
    plane = np.where((y % 4 == 0) & (x % 4 == 0), np.nan, 1.0).astype(np.float32)
    assert countable(plane, 1)
    assert not countable(plane, 2)
    assert countable(np.zeros((7, 7), dtype=np.float32), 3)


def test_waves_by_pencil() -> None:
    """Two circles of one set point, at points 0 and 4, in halves: even waves have magnitude 1, odd
    ones 0.
    """
    images = np.zeros((2, 3, 3), dtype=np.float32)
    images[:, 1, 1] = 1
    images[0, 1, 2] = images[1, 1, 0] = 2
    plane = np.concatenate(
        [images[0], np.full((3, 1), np.nan, dtype=np.float32), images[1]], axis=1
    )[None]
    found = dict(
        zip(
            pattern_names("fourier", 1),
            pattern_features(np.ascontiguousarray(plane), [1], "fourier")[0],
            strict=True,
        )
    )
    assert [round(found.pop(f"lbp_r1_1_wave_{wave}"), 12) for wave in range(5)] == [1, 0, 1, 0, 1]
    assert not any(found.values())


@pytest.mark.parametrize(
    ("kind", "size"), [("uniform", 26), ("directed", 24 * 23 + 3), ("fourier", 23 * 13 + 3)]
)
def test_sizes_are_those_of_the_papers(planes: Planes, kind: str, size: int) -> None:
    assert len(set(pattern_names(kind, 3))) == len(pattern_names(kind, 3)) == size
    assert pattern_features(planes, [3], kind).shape == (len(planes), size)


def test_fourier_magnitudes_are_invariant_to_rotations_and_flips(planes: Planes) -> None:
    square = np.ascontiguousarray(planes[:, :40])
    changes = (np.rot90(square, axes=(1, 2)), square[:, :, ::-1], square.transpose(0, 2, 1))
    for changed in changes:
        image = np.ascontiguousarray(changed)
        assert (
            np.abs(
                pattern_features(image, (1, 2, 3), "fourier")
                - pattern_features(square, (1, 2, 3), "fourier")
            ).max()
            < 1e-12
        )
        assert (
            np.abs(
                pattern_features(image, (1, 2, 3), "directed")
                - pattern_features(square, (1, 2, 3), "directed")
            ).max()
            > 0.001
        )
    assert not Texture(patterns="directed").promises & {"rotation90", "flip"}
    assert Texture(patterns="fourier").promises & Texture().promises >= {"rotation90", "flip"}


def test_directions_add_up_to_uniform_patterns(planes: Planes) -> None:
    for radius in (1, 2, 3):
        points = 8 * radius
        directed = directed_lbp(planes, [radius])
        inner = directed[:, 1:-2].reshape(len(planes), points - 1, points).sum(axis=2)
        assert np.array_equal(
            np.concatenate([directed[:, :1], inner, directed[:, -2:]], axis=1),
            lbp(planes, [radius]),
        )


def test_the_vector_is_what_its_names_say(galaxies: Planes) -> None:
    texture = Texture(distances=(1,), radii=(1, 3)).fit(galaxies)
    named = dict(
        zip(
            texture.get_feature_names_out(["g", "r", "i"]),
            texture.transform(galaxies)[2],
            strict=True,
        )
    )
    pattern = theirs(galaxies[2, 2], 3)
    assert named["i_lbp_r3_7"] == pytest.approx((pattern == 7).mean(), rel=1e-6)
    assert named["i_lbp_r3_other"] == pytest.approx((pattern == 25).mean(), rel=1e-6)
    texture = Texture(distances=(1,), radii=(3, 1), patterns="directed").fit(galaxies)
    named = dict(
        zip(
            texture.get_feature_names_out(["g", "r", "i"]),
            texture.transform(galaxies)[2],
            strict=True,
        )
    )
    pattern = in_our_order(theirs(galaxies[2, 1], 1, "nri_uniform"), 8)
    assert named["r_lbp_r1_3_from_6"] == pytest.approx((pattern == 1 + 2 * 8 + 6).mean(), rel=1e-6)
