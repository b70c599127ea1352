"""Segmentation of a cutout: the central galaxy and its neighbors.

Connected regions of the smoothed image above the noise; the region nearest the center is the
galaxy, the others are neighbors. All functions are pure, work on one galaxy in noise units (sky at
zero, its standard deviation at one), and take pixels that are not finite as bad.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data.preparation.background import sky_and_noise

__all__ = [
    "central_label",
    "central_region",
    "combine_bands",
    "neighbor_mask",
    "segment",
    "smooth_image",
]

_SMOOTHING = 1.5  # pixels: about the PSF of a well-sampled image
_MIN_PIXELS = 5  # pixels: smaller regions are hot pixels or noise peaks
# of the shorter side: an object further from the center is not the galaxy of the cutout
_MAX_OFFSET = 0.25
_TRUNCATE = 4.0  # standard deviations at which the Gaussian is truncated
_EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)  # structuring element


def combine_bands(pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Add the bands of a galaxy up into one image of unit noise.

    Parameters
    ----------
    pixels : array, shape (bands, ny, nx)
        Each band in units of its noise.

    Returns
    -------
    array of float64, shape (ny, nx)
        Sum of the good bands over the square root of their number; NaN where no band is good.
    """
    good = np.isfinite(pixels)
    count = good.sum(axis=0)
    total = np.where(good, pixels, 0).sum(axis=0, dtype=np.float64)
    image: NDArray[np.float64] = np.divide(
        total, np.sqrt(count), out=np.full(total.shape, np.nan), where=count > 0
    )
    return image


def smooth_image(image: NDArray[np.floating], sigma: float = _SMOOTHING) -> NDArray[np.float64]:
    """Smooth an image with a Gaussian over its good pixels.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Values that are not finite are bad: they have no weight and are interpolated.
    sigma : float
        Standard deviation of the Gaussian, pixels; truncated at four of them.

    Returns
    -------
    array of float64, shape (ny, nx)
        NaN where no good pixel is near.
    """
    good = np.isfinite(image)
    light = _gaussian(np.where(good, image, 0).astype(np.float64), sigma)
    weight = (
        _weight_sum(image.shape, sigma) if good.all() else _gaussian(good.astype(np.float64), sigma)
    )
    mean: NDArray[np.float64] = np.divide(
        light, weight, out=np.full(image.shape, np.nan), where=weight > 1e-6
    )
    return mean


def segment(
    image: NDArray[np.floating],
    threshold: float = 3.0,
    *,
    sigma: float = _SMOOTHING,
    border: float = 0.1,
) -> NDArray[np.int32]:
    """Detect connected regions above the noise.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Light in units of its noise; see `combine_bands`.
    threshold : float
        Height of a pixel of the smoothed image above the sky, in standard deviations of the
        smoothed sky.
    sigma : float
        Standard deviation of the smoothing Gaussian, pixels.
    border : float
        Width of the border in which sky and noise of the smoothed image are measured, in sides of
        the image.

    Returns
    -------
    array of int32, shape (ny, nx)
        0 is sky; each 8-connected region of at least five pixels has a label from 1 on, in
        row-major order.

    Notes
    -----
    The noise of the smoothed image is the larger of that measured on its border, which includes
    correlated noise, and that of white unit noise under the Gaussian, 1 / (2 sqrt(pi) sigma), which
    serves where the border is filled with one value. Overlapping galaxies are one region: nothing
    is deblended, so that a merger stays whole.
    """
    smooth = smooth_image(image, sigma)
    if not np.isfinite(smooth).any():
        return np.zeros(image.shape, dtype=np.int32)
    sky, noise = sky_and_noise(
        smooth, max(1, round(border * min(image.shape))), lag=1 + math.ceil(_TRUNCATE * sigma)
    )
    noise = max(noise, 1 / (2 * math.sqrt(math.pi) * sigma))
    labels, count = ndimage.label(
        np.nan_to_num(smooth, nan=-np.inf, posinf=np.inf, neginf=-np.inf) > sky + threshold * noise,
        _EIGHT_CONNECTED,
    )
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keeps = sizes >= _MIN_PIXELS
    keeps[0] = False
    numbers = np.where(keeps, np.cumsum(keeps), 0).astype(np.int32)
    found: NDArray[np.int32] = numbers[labels]
    return found


def central_label(labels: NDArray[np.integer], reach: float = _MAX_OFFSET) -> int:
    """Return the label of the region nearest the center, or 0 where none is near.

    Parameters
    ----------
    labels : array of int, shape (ny, nx)
        0 is sky; every other number is a region.
    reach : float
        Largest distance of a region's nearest pixel from the center, in shorter sides of the image.

    Notes
    -----
    Of regions equally near, the one with more pixels is taken, and of these the one with the lower
    label.
    """
    ny, nx = labels.shape
    y, x = np.nonzero(labels)
    if not y.size:
        return 0
    squared = (y - (ny - 1) / 2) ** 2 + (x - (nx - 1) / 2) ** 2
    nearest = squared.min()
    if nearest > (reach * min(ny, nx)) ** 2:
        return 0
    numbers = np.unique(labels[y, x][squared == nearest])
    return int(numbers[np.argmax([np.count_nonzero(labels == number) for number in numbers])])


def central_region(labels: NDArray[np.integer], reach: float = _MAX_OFFSET) -> NDArray[np.bool_]:
    """Return True on the region nearest the center, its holes filled; False everywhere if none is.

    See `central_label`.
    """
    label = central_label(labels, reach)
    if not label:
        return np.zeros(labels.shape, dtype=bool)
    region: NDArray[np.bool_] = labels == label
    [box] = ndimage.find_objects(region.astype(np.int8))  # bounding box: all holes lie inside it
    region[box] = ndimage.binary_fill_holes(region[box]) & (region[box] | (labels[box] == 0))
    return region


def neighbor_mask(labels: NDArray[np.integer], reach: float = _MAX_OFFSET) -> NDArray[np.bool_]:
    """Return True on every region but the central one; on all where none is central."""
    others: NDArray[np.bool_] = (labels != 0) & (labels != central_label(labels, reach))
    return others


def _gaussian(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    blurred: NDArray[np.float64] = ndimage.gaussian_filter(
        image, sigma, mode="constant", truncate=_TRUNCATE
    )
    return blurred


@lru_cache(maxsize=64)
def _weight_sum(shape: tuple[int, int], sigma: float) -> NDArray[np.float64]:
    """Return the sum of the Gaussian's weights on an image without bad pixels.

    It is less than one near the edges only.
    """
    weight = _gaussian(np.ones(shape), sigma)
    weight.flags.writeable = False
    return weight
