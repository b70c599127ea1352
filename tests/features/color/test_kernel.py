import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat.features.color.kernel import fractions, joint_fractions
from galfeat.features.kernels import levels_reference as plain
from galfeat.features.kernels.levels import MOST, levels

RANGES = [
    (-2.0, 8.0),
    (0.1, 0.7),
    (0.0, 1.0),
    (-1e-3, 1e3),
    (1e30, 1.1e30),
    (-1e-40, 1e-40),
    (1.0, 1 + 1e-7),
    (1.0, 1 + 1e-12),
    (-1e39, 1e40),
    (-1e-300, 1e-300),
]


def around_edges(count: int, limits: tuple[float, float]) -> NDArray[np.float32]:
    """Every edge rounded to float32, and its two neighbors on either side."""
    with np.errstate(over="ignore"):
        edges = np.linspace(*limits, count + 1).astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    with np.errstate(over="ignore"):
        above, below = np.nextafter(edges, up), np.nextafter(edges, down)
        return np.concatenate(
            [edges, above, np.nextafter(above, up), below, np.nextafter(below, down)]
        )


def by_search(
    values: NDArray[np.float32], count: int, limits: tuple[float, float]
) -> NDArray[np.intp]:
    found = (
        np.searchsorted(np.linspace(*limits, count + 1), values.astype(np.float64), side="right")
        - 1
    )
    return np.where(np.isfinite(values), np.clip(found, 0, count - 1), count)


@pytest.mark.parametrize("limits", RANGES)
@pytest.mark.parametrize("count", [1, 2, 3, 10, 32, 33, 100, MOST])
def test_levels_on_and_beside_every_edge(count: int, limits: tuple[float, float]) -> None:
    special = np.array(
        [0, -0.0, 1e-45, -1e-45, 1e30, -1e30, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, -np.nan],
        dtype=np.float32,
    )
    values = np.concatenate([around_edges(count, limits), special])
    assert np.array_equal(levels(values, count, limits), by_search(values, count, limits))
    for value in values:  # alone, where no neighbor sends the block to the comparison
        assert (
            levels(value.reshape(1), count, limits)[0]
            == by_search(value.reshape(1), count, limits)[0]
        )


@pytest.mark.parametrize("limits", [(-2.0, 8.0), (0.1, 0.7), (-7.3, 1.1), (1000.0, 1010.0)])
@pytest.mark.parametrize("count", [7, 32, 250])
def test_levels_of_many_values(count: int, limits: tuple[float, float]) -> None:
    chance = np.random.default_rng(count)
    values = chance.uniform(limits[0] - 1, limits[1] + 1, 100_003).astype(np.float32)
    values[chance.random(len(values)) < 0.01] = np.nan
    assert np.array_equal(levels(values, count, limits), by_search(values, count, limits))


def test_levels_equal_the_bins_of_numpy() -> None:
    values = around_edges(32, (0.1, 0.7))
    inside = values[(values >= np.float64(0.1)) & (values <= np.float64(0.7))]
    counts = np.bincount(levels(inside, 32, (0.1, 0.7)), minlength=32)
    assert counts.tolist() == np.histogram(inside.astype(np.float64), 32, (0.1, 0.7))[0].tolist()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, MOST),
    st.sampled_from([0.0, 0.05, 0.6]),
    st.integers(0, 10**6),
)
def test_fractions_equal_the_plain_ones(
    ny: int, nx: int, count: int, part: float, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    planes = chance.normal(1, 2, (4, ny, nx)).astype(np.float32)
    planes[chance.random(planes.shape) < part] = chance.choice([np.nan, np.inf, -np.inf])
    planes[3] = 0.25
    with np.errstate(invalid="ignore"):
        expected = plain.fractions(plain.levels(planes, count, (-2.0, 8.0)), count)
    found, good = fractions(planes, count, (-2.0, 8.0))
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.array_equal(good, np.isfinite(planes).mean(axis=(1, 2)))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.sampled_from([1, 2, 5, 8, 13, 40]),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.integers(0, 10**6),
)
def test_joint_fractions_equal_the_plain_ones(
    ny: int, nx: int, count: int, part: float, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    images = chance.normal(1, 2, (3, 3, ny, nx)).astype(np.float32)
    images[chance.random(images.shape) < part] = np.nan
    codes, slow = levels(images, count, (-2.0, 8.0)), plain.levels(images, count, (-2.0, 8.0))
    for a, b in ((0, 1), (2, 0), (1, 1)):
        with np.errstate(invalid="ignore"):
            expected = plain.joint_fractions(slow[:, a], slow[:, b], count)
        assert np.array_equal(joint_fractions(codes, (a, b), count), expected, equal_nan=True)


def test_joint_fractions_with_the_most_levels() -> None:
    images = np.random.default_rng(1).uniform(-3, 9, (2, 2, 40, 41)).astype(np.float32)
    images[0, :, 3] = np.nan
    codes, slow = levels(images, MOST, (-2.0, 8.0)), plain.levels(images, MOST, (-2.0, 8.0))
    assert np.array_equal(
        joint_fractions(codes, (0, 1), MOST), plain.joint_fractions(slow[:, 0], slow[:, 1], MOST)
    )


def test_many_equal_pixels() -> None:
    planes = np.zeros((1, 700, 701), dtype=np.float32)
    assert fractions(planes, 4, (-1.0, 3.0))[0].tolist() == [[0, 1, 0, 0]]
