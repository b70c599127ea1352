"""The grid: against block means, a brute-force overlap, and the light's own moments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat.data.preparation.resampling import (
    area_resample,
    center_crop,
    crop_padded,
    overlap_weights,
    window_resample,
    window_variance,
)


def _brute_force(image: NDArray[np.float64], size: int, fine: int = 1) -> NDArray[np.float64]:
    """Average nearest-neighbor samples on a grid that divides both old and new pixels."""
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
    """New pixel 1 covers old pixel 1 and half of 2: (1 + 2/2) / 1.5 = 4/3; new pixel 2: (2/2 + 6) /
    1.5 = 14/3.
    """
    row = np.array([1.0, 2.0, 6.0])
    np.testing.assert_allclose(area_resample(np.tile(row, (3, 1)), 2), [[4 / 3, 14 / 3]] * 2)
    np.testing.assert_allclose(
        area_resample(np.tile(row[:, None], (1, 3)), 2), [[4 / 3] * 2, [14 / 3] * 2]
    )


def test_a_bad_pixel_is_left_out_of_the_mean_by_pencil() -> None:
    """Without old pixel 2 new pixel 1 is old pixel 1 alone, whatever stands in the bad one."""
    image = np.array([[1.0, np.nan, 6.0]] * 3)
    np.testing.assert_allclose(area_resample(image, 2), [[1.0, 6.0]] * 2)


def test_a_new_pixel_is_bad_when_under_half_of_it_is_good() -> None:
    image = np.arange(16.0).reshape(4, 4)
    image[0, :2] = np.nan  # half of the new pixel at the top left: still good
    # three quarters of the one at the bottom right
    image[2:, 2:] = [[np.inf, np.nan], [-np.inf, 9.0]]
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
    weights = overlap_weights(n, size).toarray()
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


@pytest.mark.parametrize(
    ("shape", "first"), [((7, 4), (1, 0)), ((4, 8), (0, 2)), ((9, 9), (2, 2)), ((3, 4), (0, 0))]
)
def test_the_center_is_cut_out(shape: tuple[int, int], first: tuple[int, int]) -> None:
    image = np.arange(shape[0] * shape[1], dtype=float).reshape(shape)
    out = center_crop(image, 4)
    assert out.shape == (min(shape[0], 4), min(shape[1], 4))
    assert out[0, 0] == image[first]


def test_a_window_by_pencil() -> None:
    """Of the row 1 2 6, from a half to two and a half: (0.5 + 1) / 1 = 1.5 and (1 + 3) / 1 = 4."""
    image = np.tile(np.array([1.0, 2.0, 6.0]), (3, 1))
    np.testing.assert_allclose(window_resample(image, (0.5, 0.5), 2, 2), [[1.5, 4.0]] * 2)
    # 0.6 of it is there
    np.testing.assert_allclose(window_resample(image, (0, 2.4), 1, 1), [[6.0]])
    assert np.isnan(window_resample(image, (0, 2.6), 1, 1)).all()
    assert np.isnan(window_resample(image, (-7, 0), 3, 3)).all()


@pytest.mark.slow
@given(
    size=st.integers(2, 12),
    top=st.integers(-6, 20),
    left=st.integers(-6, 20),
    side=st.integers(2, 30),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_windows_at_any_place_are_those_of_a_finer_grid(
    size: int, top: int, left: int, side: int, seed: int
) -> None:
    """Edges at thirds of a pixel: repeat each pixel three times, surround it by what is not there,
    and cut at whole ones.
    """
    image = _scene((9, 9), seed)
    fine = np.full((27 + 200, 27 + 200), np.nan)
    fine[100:127, 100:127] = np.kron(image, np.ones((3, 3)))
    window = np.kron(
        fine[100 + top : 100 + top + side, 100 + left : 100 + left + side], np.ones((size, size))
    )
    blocks = window.reshape(size, side, size, side).transpose(0, 2, 1, 3).reshape(size, size, -1)
    covered = np.isfinite(blocks).mean(axis=-1)
    expected = np.divide(
        np.nansum(blocks, axis=-1),
        side * side * covered,
        out=np.full((size, size), np.nan),
        where=covered > 0,
    )
    found = window_resample(image, (top / 3, left / 3), side / 3, size)
    sure = np.abs(covered - 0.5) > 1e-6
    np.testing.assert_array_equal(np.isfinite(found)[sure], (covered > 0.5)[sure])
    both = sure & (covered > 0.5)
    np.testing.assert_allclose(found[both], expected[both], rtol=1e-9)


def test_the_whole_image_is_a_window_and_light_is_kept_whatever_its_grid() -> None:
    image = _scene((20, 20))
    np.testing.assert_allclose(
        window_resample(image, (0, 0), 20, 7), area_resample(image, 7), rtol=1e-12
    )
    for size in (5, 13, 31):
        shown = window_resample(image, (2.3, 4.9), 11.7, size)
        expected = window_resample(image, (2.3, 4.9), 11.7, 1)[0, 0]
        assert shown.mean() == pytest.approx(expected, rel=1e-12)


def test_variance_of_means_by_pencil() -> None:
    """The mean of four pixels of variance 8 has 2; of three of them 8/3; of parts w of two, (w1^2 +
    w2^2) / (w1 + w2)^2 of it.
    """
    variance = np.full((4, 4), 8.0)
    np.testing.assert_allclose(window_variance(variance, (0, 0), 4, 2), 2.0)
    variance[0, 0] = np.nan
    np.testing.assert_allclose(window_variance(variance, (0, 0), 4, 2), [[8 / 3, 2.0], [2.0, 2.0]])
    flat = np.full((1, 3), 5.0)
    np.testing.assert_allclose(window_variance(flat, (0, 0.25), 1, 1), [[5 * (0.75**2 + 0.25**2)]])
    variance[0, 1] = 2.0
    np.testing.assert_allclose(window_variance(variance, (0, 0), 2, 1), [[(2 + 8 + 8) / 9]])


@pytest.mark.parametrize("corner", [(0, 0), (-2, 1), (3, -1), (2, 2), (-9, 0), (0, 9), (-1, -1)])
def test_padded_crops_are_nan_outside(corner: tuple[int, int]) -> None:
    image = np.arange(20.0).reshape(4, 5)
    wide = np.full((40, 40), np.nan)
    wide[15:19, 15:20] = image
    top, left = corner
    np.testing.assert_array_equal(
        crop_padded(image, corner, 4), wide[15 + top : 19 + top, 15 + left : 19 + left]
    )
