"""The mean image of a galaxy's bands and its noise; the reference of the kernel."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["mean_image", "noise_of"]

# distance of the pixels compared: adjacent ones share noise where an image was resampled
_LAG = 2


def mean_image(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean of the bands, shape (ny, nx), weighted by one over their noise variance.

    NaN where no band is good. A band without noise has no weight, unless no band has any: then all
    have the same.

    Parameters
    ----------
    image : array, shape (bands, ny, nx)
    """
    good = np.isfinite(image)
    noise = np.array([noise_of(band) for band in image])
    weights = (
        np.where(noise > 0, noise, np.inf) ** -2.0
        if (noise > 0).any() and len(image) > 1
        else np.ones(len(image))
    )
    weights = (weights / weights.max())[:, None, None] * good
    total = weights.sum(axis=0)
    return np.asarray(
        (weights * np.where(good, image, 0)).sum(axis=0) / np.where(total > 0, total, np.nan)
    )


def noise_of(plane: NDArray[np.float32]) -> float:
    """Return the standard deviation of the noise.

    0 for a constant image or one without good pixels. Of the corners a, b, c, d of squares of 3
    pixels it is half the standard deviation of a - b - c + d, measured by the (lower) median of the
    absolute values, or by their root mean square where that is zero.
    """
    values = np.where(np.isfinite(plane), plane, np.nan).astype(np.float64)
    apart = np.abs(
        values[:-_LAG, :-_LAG]
        - values[:-_LAG, _LAG:]
        - values[_LAG:, :-_LAG]
        + values[_LAG:, _LAG:]
    )
    sizes = np.sort(apart[np.isfinite(apart)])
    if not len(sizes):
        return 0.0
    median = float(sizes[(len(sizes) - 1) // 2])
    return 1.4826022 * median / 2 if median > 0 else float(np.sqrt(np.mean(sizes**2))) / 2
