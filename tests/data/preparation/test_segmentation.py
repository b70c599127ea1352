"""Which pixels are the galaxy: against known blobs, scipy's smoothing, and rules by pencil."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data.preparation.segmentation import (
    central_label,
    central_region,
    combine_bands,
    neighbor_mask,
    segment,
    smooth_image,
)


def _blobs(
    *blobs: tuple[float, float, float],
    shape: tuple[int, int] = (60, 60),
    sigma: float = 3,
    noise: float = 1,
) -> NDArray[np.float64]:
    """Return Gaussians given by row, column and peak on noise."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.random.default_rng(1).normal(0, noise, shape)
    for row, column, peak in blobs:
        image += peak * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))
    return image


def test_bands_add_up_to_unit_noise_by_pencil() -> None:
    pixels = np.array([[[3.0, 1.0, np.nan]], [[5.0, np.nan, np.inf]], [[4.0, 2.0, np.nan]]])
    np.testing.assert_allclose(combine_bands(pixels), [[12 / np.sqrt(3), 3 / np.sqrt(2), np.nan]])
    noise = np.random.default_rng(0).normal(0, 1, (4, 100, 100))
    assert combine_bands(noise).std() == pytest.approx(1, abs=0.03)


def test_smoothing_is_scipys_away_from_edges_and_keeps_a_level_everywhere() -> None:
    image = _blobs((30, 30, 50))
    expected = ndimage.gaussian_filter(image, 1.5, mode="constant", truncate=4)
    np.testing.assert_allclose(
        smooth_image(image, 1.5)[8:-8, 8:-8], expected[8:-8, 8:-8], rtol=1e-9
    )
    level = np.full((20, 31), 7.0)
    level[3:6, 4:9] = np.nan
    level[10, 10] = np.inf
    np.testing.assert_allclose(smooth_image(level), 7.0, rtol=1e-12)


def test_bad_pixels_weigh_nothing_and_far_from_good_ones_there_is_nothing() -> None:
    image = _blobs((30, 30, 50))
    image[20:24, 20:24] = np.nan
    other = np.where(np.isnan(image), -np.inf, image)
    np.testing.assert_array_equal(smooth_image(image), smooth_image(other))
    image[:, 30:] = np.nan
    assert np.isnan(smooth_image(image)[:, 45:]).all()
    assert np.isfinite(smooth_image(image)[:, :30]).all()


def test_blobs_are_found_and_numbered_in_the_order_of_reading() -> None:
    labels = segment(_blobs((45, 12, 20), (12, 40, 20), (30, 30, 20)))
    assert labels.max() == 3
    assert (labels[12, 40], labels[30, 30], labels[45, 12], labels[5, 5]) == (1, 2, 3, 0)
    assert labels.dtype == np.int32
    # 20 exp(-r^2 / 18) seen through a Gaussian of 1.5 pixels is 16 exp(-r^2 / 22.5), above 3 x
    # 0.188 within 8.7 pixels
    assert np.count_nonzero(labels == 2) == pytest.approx(np.pi * 8.7**2, rel=0.15)


def test_pure_noise_has_almost_no_detections() -> None:
    """At 5 sigma there is nothing in a hundred thousand pixels of noise; a hot pixel is less than
    five pixels.
    """
    noise = np.random.default_rng(3).normal(0, 1, (300, 300))
    assert not segment(noise, 5.0).any()
    hot = np.zeros((30, 30))
    hot[15, 15] = 9  # 0.64 once it is smoothed, and the threshold is 0.56: one pixel
    assert not segment(hot).any()
    hot[15, 15] = 40
    assert segment(hot).any()


def test_correlated_noise_raises_the_threshold() -> None:
    """Noise that is smooth already would stand out everywhere if it were taken for white."""
    smooth = ndimage.gaussian_filter(
        np.random.default_rng(0).normal(0, 1, (200, 200)), 2, mode="wrap"
    )
    smooth /= smooth.std()
    assert np.count_nonzero(segment(smooth)) < 0.01 * smooth.size
    white = np.count_nonzero(smooth_image(smooth) > 3 * 0.188)
    assert white > 0.2 * smooth.size


def test_a_sky_of_one_value_and_one_without_any_good_pixel() -> None:
    image = np.zeros((40, 40))
    image[18:23, 17:24] = 10
    labels = segment(image)
    assert labels.max() == 1
    assert labels[20, 20] == 1
    assert not segment(np.full((20, 20), np.nan)).any()


def test_a_sky_level_and_an_oblong_image_do_not_matter() -> None:
    image = _blobs((20, 50, 20), shape=(40, 100))
    np.testing.assert_array_equal(segment(image), segment(image + 512))
    assert central_label(segment(image)) == 1


def test_the_center_by_pencil() -> None:
    labels = np.zeros((9, 9), dtype=int)
    assert central_label(labels) == 0
    labels[0, 0] = 3  # further off than a quarter of 9 pixels
    assert central_label(labels) == 0
    assert central_label(labels, reach=0.7) == 3
    labels[4, 6] = 5  # two pixels off
    assert central_label(labels) == 5
    labels[2, 4], labels[1, 4] = 2, 2  # two pixels off as well, and has two pixels
    assert central_label(labels) == 2
    labels[4, 7] = 5  # two pixels each: the lower number
    assert central_label(labels) == 2
    labels[4, 5] = 7
    assert central_label(labels) == 7
    np.testing.assert_array_equal(neighbor_mask(labels), (labels > 0) & (labels != 7))


def test_holes_of_the_central_region_are_filled_but_no_other_object_in_them() -> None:
    labels = np.zeros((11, 11), dtype=int)
    labels[2:9, 2:9] = 4
    labels[4:7, 4:7] = 0
    labels[5, 5] = 1  # nearest the center, so it is the central one
    assert np.count_nonzero(central_region(labels)) == 1
    labels[5, 5] = 0
    region = central_region(labels)
    assert region[2:9, 2:9].all()
    assert np.count_nonzero(region) == 49
    labels[5, 4] = 6  # as near as the rim's nearest pixels are not: it is the central one now
    labels[5, 5], labels[5, 6] = 4, 6
    assert np.count_nonzero(central_region(labels) & (labels == 6)) == 0
    assert not central_region(np.zeros((5, 5), int)).any()


def test_an_object_at_the_border_is_an_object() -> None:
    labels = segment(_blobs((0, 20, 60), (30, 30, 20)))
    assert labels[0, 20] == 1
    assert labels[30, 30] == 2
    assert neighbor_mask(labels)[0, 20]


def test_the_input_is_not_modified() -> None:
    image = _blobs((30, 30, 20))
    image[3, 3] = np.nan
    before = image.copy()
    segment(image), smooth_image(image), combine_bands(image[None])
    np.testing.assert_array_equal(image, before)
