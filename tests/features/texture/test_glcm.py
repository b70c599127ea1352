from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import feature

from galfeat.features.kernels.levels_reference import levels
from galfeat.features.texture import haralick_reference as plain
from galfeat.features.texture.glcm_kernel import MOST, glcm_features, pair_counts
from galfeat.features.texture.glcm_reference import ANGLES, cooccurrence, partners
from galfeat.features.texture.glcm_triples import largest_cube, pay

Planes = NDArray[np.float32]

skimage_feature: Any = feature
nan = np.nan


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
        theirs = skimage_feature.graycomatrix(
            code.astype(np.uint8), [1], angles, levels=32, symmetric=True, normed=True
        )[:, :, 0]
        assert np.allclose(np.moveaxis(theirs, -1, 0), ours, rtol=1e-15, atol=0)


def test_diagonals_are_true() -> None:
    codes = np.zeros((1, 9, 9), dtype=np.intp)
    codes[0, 4, 4] = codes[0, 0, 8] = 1  # four steps up and four to the right
    assert cooccurrence(codes, 2, [4])[0, 0, 1, 1, 1] > 0
    assert cooccurrence(codes, 2, [3])[0, 0, 1, 1, 1] == 0


def test_compiled_counts_by_pencil() -> None:
    """Levels 0 0 1 / 1 bad bad: a pair counts once either way round, on the diagonal twice."""
    plane = np.array([[[0.5, -9, 1.5], [1, nan, np.inf]]], dtype=np.float32)
    right, up_right, up, up_left = pair_counts(plane, 2, (0, 2), [1])[0, 0].tolist()
    assert right == [[2, 1], [1, 0]]
    assert up_right == [[0, 1], [1, 0]]
    assert up == [[0, 1], [1, 0]]
    assert up_left == [[0, 0], [0, 0]]


def test_compiled_counts_at_distance_one_equal_scikit_image(planes: Planes) -> None:
    angles = [0, 3 * np.pi / 4, np.pi / 2, np.pi / 4]  # scikit-image turns clockwise
    for plane, ours in zip(
        planes[:4], pair_counts(planes[:4], 32, (-2.0, 8.0), [1])[:, 0], strict=True
    ):
        code = levels(plane[None], 32, (-2.0, 8.0))[0].astype(np.uint8)
        theirs = skimage_feature.graycomatrix(code, [1], angles, levels=32, symmetric=True)[:, :, 0]
        assert np.array_equal(np.moveaxis(theirs, -1, 0), ours)


def test_compiled_counts_along_rows_and_columns_equal_scikit_image_at_any_distance(
    planes: Planes,
) -> None:
    code = levels(planes[:1], 8, (-2.0, 8.0))[0].astype(np.uint8)
    theirs = skimage_feature.graycomatrix(code, [5, 39], [0, np.pi / 2], levels=8, symmetric=True)
    ours = pair_counts(planes[:1], 8, (-2.0, 8.0), [5, 39])[0]
    assert np.array_equal(np.moveaxis(theirs, (0, 1), (2, 3)), ours[:, [0, 2]])


def test_compiled_diagonals_are_true() -> None:
    plane = np.zeros((1, 9, 9), dtype=np.float32)
    # four steps up or down, and four to the right
    plane[0, 4, 4] = plane[0, 0, 8] = plane[0, 8, 8] = 1.5
    for distance, pairs in ((3, 0), (4, 2)):  # each pair is counted in the matrix twice
        counts = pair_counts(plane, 2, (0, 2), [distance])[0, 0, :, 1, 1]
        assert counts.tolist() == [0, pairs, 0, pairs]


@pytest.mark.parametrize("distances", [[1], [1, 2], [3, 1, 7], [2, 2, 5, 9]])
@pytest.mark.parametrize(
    ("ny", "nx", "count"),
    [(33, 47, 6), (150, 149, 32), (87, 33, 15), (330, 300, 32), (190, 200, 39), (60, 70, 40)],
)
def test_compiled_counts_equal_those_of_pairs_looked_up_one_by_one(
    ny: int, nx: int, count: int, distances: list[int]
) -> None:
    """Counted as triples where that pays: levels that bad pixels touch, the highest level, more
    pixels than 16 bits count.
    """
    chance = np.random.default_rng(ny + count)
    planes = chance.uniform(-1, count + 1, (2, ny, nx)).astype(np.float32)
    planes[0, : ny // 2] = 0.5  # the same triple again and again
    planes[chance.random(planes.shape) < 0.1] = nan
    assert pay(count + 1, ny * nx) == (count < 40)
    codes = levels(planes, count, (0, count))
    for which, distance in enumerate(distances):
        for angle, (dy, dx) in enumerate(ANGLES):
            for code, ours in zip(
                codes,
                pair_counts(planes, count, (0, count), distances)[:, which, angle],
                strict=True,
            ):
                here, there = (
                    each.ravel() for each in partners(code[None], (distance * dy, distance * dx))
                )
                one_way = np.bincount(
                    here * (count + 1) + there, minlength=(count + 1) ** 2
                ).reshape(count + 1, -1)
                assert np.array_equal((one_way + one_way.T)[:count, :count], ours)


def test_cubes_are_as_large_as_16_bits_can_number() -> None:
    assert largest_cube(249, 10**9) == 40**3
    assert largest_cube(33, 10**9) == 33 * 33 * 36
    assert largest_cube(33, 100) == 5 * 5 * 8, "no more than pays"
    assert largest_cube(33, 1) == 0


def slow(
    planes: Planes, count: int, limits: tuple[float, float], distances: list[int]
) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return plain.glcm_features(planes, count, limits, distances)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 65, 120, MOST])
def test_features_equal_the_plain_ones_at_any_number_of_levels(
    planes: Planes, holes: NDArray[np.bool_], count: int
) -> None:
    wide = np.concatenate(
        [planes[:2], np.where(holes.reshape(planes.shape)[2:4], nan, planes[2:4])]
    )
    wide[1] = np.random.default_rng(count).uniform(-3, 9, wide[1].shape)  # every level there is
    for limits in ((-2.0, 8.0), (0.3, 0.9)):
        ours = glcm_features(wide, count, limits, [1, 2, 4])
        assert np.allclose(ours, slow(wide, count, limits, [1, 2, 4]), rtol=1e-10, atol=1e-11)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 24),
    st.integers(2, 24),
    st.integers(2, 40),
    st.sampled_from([0.0, 0.05, 0.4]),
    st.integers(0, 10**6),
)
def test_features_equal_the_plain_ones_on_any_shape(
    ny: int, nx: int, count: int, part: float, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    planes = chance.normal(1, 2, (3, ny, nx)).astype(np.float32)
    planes[chance.random(planes.shape) < part] = chance.choice([nan, np.inf, -np.inf])
    planes[2] = np.rint(planes[2])
    distances = sorted({1, int(chance.integers(1, min(ny, nx)))})
    ours, theirs = (
        glcm_features(planes, count, (-2.0, 8.0), distances),
        slow(planes, count, (-2.0, 8.0), distances),
    )
    assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-10, equal_nan=True)


def test_large_counts_equal_the_plain_ones() -> None:
    """More pairs than the table of logarithms is long."""
    chance = np.random.default_rng(4)
    planes = np.where(
        chance.random((2, 300, 270)) < [[[0.001]], [[0.3]]], chance.normal(0, 3, (2, 300, 270)), 0.1
    ).astype(np.float32)
    assert np.allclose(
        glcm_features(planes, 32, (-2.0, 8.0), [1, 2]),
        slow(planes, 32, (-2.0, 8.0), [1, 2]),
        rtol=1e-9,
        atol=1e-10,
    )


@pytest.mark.parametrize("value", [0.0, -3.5, 1e30, -1e30, 1e-40, 3.4e38])
def test_constant_planes_are_as_stated(value: float) -> None:
    level = levels(np.full((1, 1, 1), value, dtype=np.float32), 32, (-2.0, 8.0)).item()
    expected = dict.fromkeys(plain.STATISTICS, 0.0) | {
        "energy": 1,
        "correlation": 1,
        "homogeneity": 1,
        "sum_average": 2 * level,
    }
    for holes in (False, True):
        plane = np.full((1, 20, 30), value, dtype=np.float32)
        plane[0, 3:5, 7] = nan if holes else value
        found = glcm_features(plane, 32, (-2.0, 8.0), [1, 7])[0]
        assert [dict(zip(plain.STATISTICS, row, strict=True)) for row in found.tolist()] == [
            expected,
            expected,
        ]


def test_two_levels_in_a_checker_board_by_pencil() -> None:
    """Beside each other always different, on diagonals always equal, each level as frequent as the
    other.
    """
    y, x = np.indices((21, 21))
    board = ((y + x) % 2 * 3.0).astype(np.float32)[None]  # the levels 0 and 3 of four
    straight = {
        "energy": 0.5,
        "contrast": 9,
        "correlation": -1,
        "variance": 2.25,
        "homogeneity": 0.1,
        "sum_average": 3,
        "entropy": 1,
    }
    oblique = {
        "energy": 0.5,
        "contrast": 0,
        "correlation": 1,
        "variance": 2.25,
        "homogeneity": 1,
        "sum_average": 3,
        "entropy": 1,
    }
    apart = {"sum_variance": 0, "sum_entropy": 0} | straight
    along = {"sum_variance": 9, "sum_entropy": 1} | oblique
    rest = {
        "difference_variance": 0,
        "difference_entropy": 0,
        "information1": -1,
        "information2": np.sqrt(1 - np.exp(-2)),
    }
    expected = {
        name: (apart | rest)[name] / 2 + (along | rest)[name] / 2 for name in plain.STATISTICS
    }
    found = dict(
        zip(plain.STATISTICS, glcm_features(board, 4, (0, 4), [1])[0, 0].tolist(), strict=True)
    )
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_plane_is_measured_by_itself(planes: Planes) -> None:
    odd = planes.copy()
    odd[1] = nan
    odd[3] = 100.0
    odd[5] = np.random.default_rng(0).uniform(-3, 9, odd[5].shape)
    together = glcm_features(odd, 32, (-2.0, 8.0), [1, 2, 4])
    assert np.isnan(together[1]).all(), "no pair; the extractor gives that as a reason"
    assert np.isfinite(np.delete(together, 1, axis=0)).all()
    for plane, row in zip(odd, together, strict=True):
        assert np.array_equal(
            glcm_features(plane[None], 32, (-2.0, 8.0), [1, 2, 4])[0], row, equal_nan=True
        )
