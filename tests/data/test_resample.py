"""The grid: against block means, a brute-force overlap, and the light's own moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat.data.resample import area_resample, centred, overlaps


def _brute_force(image: NDArray[np.float64], size: int, fine: int = 1) -> NDArray[np.float64]:
    """Average nearest-neighbour samples on a grid that divides both old and new pixels."""
    n = image.shape[0]
    repeated = np.kron(image, np.ones((size * fine, size * fine)))
    means: NDArray[np.float64] = repeated.reshape(size, n * fine, size, n * fine).mean(axis=(1, 3))
    return means


def _scene(shape: tuple[int, int], seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(10, 3, shape)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_whole_factors_are_block_means(factor: int) -> None:
    image = _scene((8 * factor, 8 * factor))
    expected = image.reshape(8, factor, 8, factor).mean(axis=(1, 3))
    np.testing.assert_allclose(area_resample(image, 8), expected, rtol=1e-12)


@pytest.mark.parametrize(("n", "size"), [(5, 3), (3, 5), (7, 4), (4, 7), (6, 6)])
def test_fractions_equal_a_brute_force_overlap(n: int, size: int) -> None:
    image = _scene((n, n))
    np.testing.assert_allclose(area_resample(image, size), _brute_force(image, size), rtol=1e-12)


def test_three_pixels_onto_two_by_pencil() -> None:
    """New pixel 1 covers old pixel 1 and half of 2: (1 + 2/2) / 1.5 = 4/3; new pixel 2: (2/2 + 6) / 1.5 = 14/3."""
    row = np.array([1.0, 2.0, 6.0])
    np.testing.assert_allclose(area_resample(np.tile(row, (3, 1)), 2), [[4 / 3, 14 / 3]] * 2)
    np.testing.assert_allclose(area_resample(np.tile(row[:, None], (1, 3)), 2), [[4 / 3] * 2, [14 / 3] * 2])


def test_a_bad_pixel_is_left_out_of_the_mean_by_pencil() -> None:
    """Without old pixel 2 new pixel 1 is old pixel 1 alone, whatever stands in the bad one."""
    image = np.array([[1.0, np.nan, 6.0]] * 3)
    np.testing.assert_allclose(area_resample(image, 2), [[1.0, 6.0]] * 2)


def test_a_new_pixel_is_bad_when_under_half_of_it_is_good() -> None:
    image = np.arange(16.0).reshape(4, 4)
    image[0, :2] = np.nan  # half of the new pixel at the top left: still good
    image[2:, 2:] = [[np.inf, np.nan], [-np.inf, 9.0]]  # three quarters of the one at the bottom right
    out = area_resample(image, 2)
    assert out[0, 0] == pytest.approx((4 + 5) / 2)
    assert np.isnan(out[1, 1])
    assert np.count_nonzero(np.isnan(out)) == 1


@given(n=st.integers(4, 40), size=st.integers(4, 40), seed=st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_light_and_centroid_are_kept(n: int, size: int, seed: int) -> None:
    image = np.abs(_scene((n, n), seed))
    out = area_resample(image, size)
    assert out.mean() == pytest.approx(image.mean(), rel=1e-12)
    ladder = np.tile(np.arange(n) + 0.5, (n, 1))
    np.testing.assert_allclose(area_resample(ladder, size).mean(), n / 2, rtol=1e-12)


@given(n=st.integers(1, 60), size=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_weights_cover_every_old_and_new_pixel_once(n: int, size: int) -> None:
    weights = overlaps(n, size).toarray()
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=0), size / n, rtol=1e-12)
    assert (weights >= 0).all()


def test_centroid_of_a_blob_stays_at_the_same_place_of_the_frame() -> None:
    y, x = np.mgrid[:50, :50] + 0.5
    blob = np.exp(-((x - 21.3) ** 2 + (y - 30.1) ** 2) / 18)
    out = area_resample(blob, 32)
    v, u = np.mgrid[:32, :32] + 0.5
    assert (u * out).sum() / out.sum() * 50 / 32 == pytest.approx(21.3, abs=0.005)
    assert (v * out).sum() / out.sum() * 50 / 32 == pytest.approx(30.1, abs=0.005)


def test_the_image_is_not_written_to_and_overflow_is_no_trouble() -> None:
    image = np.full((6, 6), 1e38, dtype=np.float32)
    image[0, 0] = np.nan
    before = image.copy()
    np.testing.assert_allclose(area_resample(image, 4), 1e38, rtol=1e-6)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(("shape", "first"), [((7, 4), (1, 0)), ((4, 8), (0, 2)), ((9, 9), (2, 2)), ((3, 4), (0, 0))])
def test_the_centre_is_cut_out(shape: tuple[int, int], first: tuple[int, int]) -> None:
    image = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    out = centred(image, 4)
    assert out.shape == (min(shape[0], 4), min(shape[1], 4))
    assert out[0, 0] == image[first]
