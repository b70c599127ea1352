"""Which pixels belong to the galaxy in the middle, and which to its neighbours.

What stands out of the noise once the image is smoothed, in connected regions; the region nearest
the centre is the galaxy, the others are neighbours. All functions are pure, work on one galaxy in
noise units (sky at zero, its standard deviation at one), and know bad pixels as pixels that are not
finite.
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
    "neighbours",
    "segment",
    "smooth_image",
]

_SMOOTHING = 1.5  # pixels: about the point spread of a well-sampled image
_LEAST = 5  # pixels of a region: fewer are a hot pixel or a peak of the noise
# of the shorter side: what lies further from the centre is not the galaxy that the cutout is about
_REACH = 0.25
_CUT = 4.0  # standard deviations at which the Gaussian ends
_EIGHT = np.ones((3, 3), dtype=bool)  # neighbours of a pixel: corners count


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
    """Average an image with Gaussian weights over its good pixels.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Values that are not finite are bad: they weigh nothing, and take the mean of the good ones
        around them.
    sigma : float
        Standard deviation of the Gaussian, pixels; it ends at four of them.

    Returns
    -------
    array of float64, shape (ny, nx)
        NaN where no good pixel is near.
    """
    good = np.isfinite(image)
    light = _gaussian(np.where(good, image, 0).astype(np.float64), sigma)
    weight = (
        _full_weight(image.shape, sigma)
        if good.all()
        else _gaussian(good.astype(np.float64), sigma)
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
    """Find the regions that stand out of the noise.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Light in units of its noise; see `combine_bands`.
    threshold : float
        How far a pixel of the smoothed image must stand above the sky, in standard deviations of
        the smoothed sky.
    sigma : float
        Standard deviation of the smoothing Gaussian, pixels.
    border : float
        Width of the frame in which sky and noise of the smoothed image are measured, in sides of
        the image.

    Returns
    -------
    array of int32, shape (ny, nx)
        0 is sky; each connected region (corners touch) of at least five pixels has a number from 1,
        in the order of reading.

    Notes
    -----
    The noise of the smoothed image is the larger of that measured on its frame, which knows
    correlated noise, and that of white unit noise under the Gaussian, 1 / (2 sqrt(pi) sigma), which
    stands in where the frame is filled with one value. Overlapping galaxies are one region: nothing
    is deblended, so that a merger stays whole.
    """
    smooth = smooth_image(image, sigma)
    if not np.isfinite(smooth).any():
        return np.zeros(image.shape, dtype=np.int32)
    sky, noise = sky_and_noise(
        smooth, max(1, round(border * min(image.shape))), lag=1 + math.ceil(_CUT * sigma)
    )
    noise = max(noise, 1 / (2 * math.sqrt(math.pi) * sigma))
    labels, count = ndimage.label(
        np.nan_to_num(smooth, nan=-np.inf, posinf=np.inf, neginf=-np.inf) > sky + threshold * noise,
        _EIGHT,
    )
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    keeps = sizes >= _LEAST
    keeps[0] = False
    numbers = np.where(keeps, np.cumsum(keeps), 0).astype(np.int32)
    found: NDArray[np.int32] = numbers[labels]
    return found


def central_label(labels: NDArray[np.integer], reach: float = _REACH) -> int:
    """Return the number of the region nearest the centre, or 0 where none comes near it.

    Parameters
    ----------
    labels : array of int, shape (ny, nx)
        0 is sky; every other number is a region.
    reach : float
        The furthest that the nearest pixel of a region may lie from the centre, in shorter sides of
        the image.

    Notes
    -----
    Of regions that come equally near the one with more pixels wins, and of these the one with the
    lower number.
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


def central_region(labels: NDArray[np.integer], reach: float = _REACH) -> NDArray[np.bool_]:
    """Return True on the region nearest the centre, holes in it filled.

    Nowhere where none comes near: see `central_label`.
    """
    label = central_label(labels, reach)
    if not label:
        return np.zeros(labels.shape, dtype=bool)
    region: NDArray[np.bool_] = labels == label
    [box] = ndimage.find_objects(region.astype(np.int8))  # there is no hole outside of it
    region[box] = ndimage.binary_fill_holes(region[box]) & (region[box] | (labels[box] == 0))
    return region


def neighbours(labels: NDArray[np.integer], reach: float = _REACH) -> NDArray[np.bool_]:
    """Return True on every region but the central one; on all where none is central."""
    others: NDArray[np.bool_] = (labels != 0) & (labels != central_label(labels, reach))
    return others


def _gaussian(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    blurred: NDArray[np.float64] = ndimage.gaussian_filter(
        image, sigma, mode="constant", truncate=_CUT
    )
    return blurred


@lru_cache(maxsize=64)
def _full_weight(shape: tuple[int, int], sigma: float) -> NDArray[np.float64]:
    """Return what the Gaussian's weights add up to on an image without bad pixels.

    Less than one near its edges only.
    """
    weight = _gaussian(np.ones(shape), sigma)
    weight.flags.writeable = False
    return weight
