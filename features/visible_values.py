"""Pixel values that an extractor with fixed levels cannot see, and what to do about it."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["describe_unseen"]

_IMAGES, _PIXELS = 4, 512  # of each batch, and of each image, that are looked at
_LEAST_PIXELS = 256
_NARROW = 1 / 8  # of the range: the noise of a prepared sky alone fills more
_OUTSIDE = 0.9  # of the pixels
_PREPARED = (-2.0, 8.0)  # the range for pixels in units of the noise, after the asinh stretch
_FAR = 4  # times its upper edge: that stretch does not reach it
_REMEDY = "it takes pixels in units of the noise: prepare them (galfeat.data.prepare), or set range"


def describe_unseen(images: NDArray[np.float32], limits: tuple[float, float], name: str) -> str:
    """Return why levels of fixed edges hardly see any of these images; empty if they do.

    A sample is looked at. Constant images and very small ones are never meant.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx)
    limits : (float, float)
        Lowest and highest edge.
    name : str
        Name of the extractor.
    """
    found = {
        words
        for image in images[:: -(-len(images) // _IMAGES)]
        if (words := _describe(image, *limits)) is not None
    }
    if len(found) != 1 or "" in found:
        return ""
    return f"{name} sees hardly anything of these images: {found.pop()}; {_REMEDY}"


def _describe(image: NDArray[np.float32], low: float, high: float) -> str | None:
    """Return what is wrong with an image; empty if nothing is, None if it does not count."""
    values = image.ravel()[:: max(1, image.size // _PIXELS)]
    values = np.sort(values[np.isfinite(values)]).astype(np.float64)
    if image[0].size < _LEAST_PIXELS or not values.size or values[0] == values[-1]:
        return None
    first, last = values[values.size // 100], values[-1 - values.size // 100]
    if np.count_nonzero((values < low) | (values >= high)) > _OUTSIDE * values.size:
        return f"nearly all pixels lie beyond its range, {low:g} to {high:g}"
    if (low, high) == _PREPARED and last > _FAR * high:
        return f"the brightest pixels lie far beyond its range, {low:g} to {high:g}"
    if last - first < _NARROW * (high - low):
        return f"nearly all pixels lie in one place of its range, {low:g} to {high:g}"
    return ""
