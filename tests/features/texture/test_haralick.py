import mahotas
import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.features.kernels.levels_reference import levels
from galfeat.features.texture.glcm_kernel import glcm_features
from galfeat.features.texture.glcm_reference import cooccurrence
from galfeat.features.texture.haralick_kernel import row_length, statistics, work
from galfeat.features.texture.haralick_reference import STATISTICS, haralick

Planes = NDArray[np.float32]


@pytest.fixture
def planes(galaxies: Planes) -> Planes:
    return galaxies.reshape(-1, *galaxies.shape[2:])


def test_haralick_by_pencil() -> None:
    """Two levels, p = [[1/2, 1/4], [1/4, 0]]."""
    found = dict(
        zip(STATISTICS, haralick(np.array([[0.5, 0.25], [0.25, 0.0]])).tolist(), strict=True)
    )
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
        theirs = mahotas.features.haralick(
            code.astype(np.uint8), use_x_minus_y_variance=True, distance=distance
        )
        assert np.allclose(np.sort(rows, axis=0), np.sort(theirs, axis=0), rtol=1e-5, atol=1e-8)
        assert np.allclose(rows.mean(axis=0), theirs.mean(axis=0), rtol=1e-5, atol=1e-8)


def test_haralick_of_a_constant_image_equals_mahotas() -> None:
    codes = np.full((1, 9, 9), 5)
    ours = haralick(cooccurrence(codes, 8, [1]))[0, 0, 0]
    assert np.allclose(
        ours,
        mahotas.features.haralick(codes[0].astype(np.uint8), use_x_minus_y_variance=True)[0],
        atol=1e-12,
    )
    expected = dict.fromkeys(STATISTICS, 0.0) | {
        "energy": 1,
        "correlation": 1,
        "homogeneity": 1,
        "sum_average": 10,
    }
    assert dict(zip(STATISTICS, ours.tolist(), strict=True)) == expected


@pytest.mark.parametrize("distance", [1, 2, 4])
@pytest.mark.parametrize("count", [32, 200])
def test_compiled_statistics_equal_mahotas(planes: Planes, count: int, distance: int) -> None:
    planes = planes.copy()
    planes[1] = np.random.default_rng(1).uniform(-2, 8, planes[1].shape)
    planes[2] = np.where(planes[2] > 3, 7.9, 0.1)  # two levels
    ours = glcm_features(planes, count, (-2.0, 8.0), [distance])[:, 0]
    for code, found in zip(levels(planes, count, (-2.0, 8.0)), ours, strict=True):
        theirs = mahotas.features.haralick(
            code.astype(np.uint8), use_x_minus_y_variance=True, distance=distance
        ).mean(axis=0)
        assert np.allclose(found, theirs, rtol=1e-5, atol=1e-8)


def test_independent_neighbors_share_no_information() -> None:
    """Each pair of levels is as frequent as any other: p = p(i) p(j) exactly, and no rounding may
    look like information.
    """
    for count in (2, 3, 7):
        matrix = np.full((count, count), 1 / count**2)
        found = dict(zip(STATISTICS, haralick(matrix).tolist(), strict=True))
        assert found["information1"] == found["information2"] == 0
        pairs = np.zeros((count + 1, row_length(count)), dtype=np.int32)
        pairs[:count, :count] = np.triu(np.full((count, count), 34)) - 17 * np.eye(
            count, dtype=np.int32
        )
        counted = np.empty(len(STATISTICS))
        statistics(pairs.reshape(-1), count, work(count), counted)
        assert dict(zip(STATISTICS, counted.tolist(), strict=True)) == pytest.approx(
            found, rel=1e-12, abs=1e-15
        )
