"""The mean image of a galaxy's bands, which local descriptors are measured on."""

import numpy as np
from numpy.typing import NDArray

from galfeat.features.sift.mean_image_kernel import mean_images, noise_of

__all__ = ["clear_of_holes", "local_images", "on_unit_noise"]

_HOLE_REACH = 3.0  # keypoint sizes: the half-width of the 4x4 cells that describe it
_DIGITS = 2.0**-20  # relative to the bright pixels; smaller differences are rounding


def local_images(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of each image's bands, weighted by their noise, less a constant.

    NaN in holes, where no band is good.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous

    Returns
    -------
    array of float32, shape (n, ny, nx)
    """
    return mean_images(images)[0]


def on_unit_noise(
    planes: NDArray[np.float32], noise: float | None
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return images scaled to a noise of about 1, and that noise.

    The scale is a power of two.

    Parameters
    ----------
    planes : array of float32, shape (n, ny, nx)
        NaN in holes.
    noise : float or None
        The noise of a pixel; None measures it.

    Returns
    -------
    scaled : array of float32, shape (n, ny, nx)
        NaN in holes and where the values are too large to be measurements.
    noise : array, shape (n,)
        In [0.5, 1), or 0 for a constant image.
    """
    measured = _measured(planes) if noise is None else np.full(len(planes), noise)
    share, power = np.frexp(measured)
    with np.errstate(over="ignore"):
        scaled = np.ldexp(planes, -power[:, None, None]).astype(np.float32)
    scaled[~np.isfinite(scaled)] = np.nan  # values that large are not measurements
    return scaled, share


def clear_of_holes(places: NDArray[np.float32], plane: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which keypoints have no hole nearer than three times their size.

    Parameters
    ----------
    places : array, shape (k, 3 or more)
        Column, row and size of each.
    plane : array, shape (ny, nx)
        NaN in holes.
    """
    holes = np.argwhere(np.isnan(plane))[:, ::-1]
    apart = ((places[:, None, :2].astype(np.float64) - holes) ** 2).sum(axis=-1)
    return np.asarray((apart >= (_HOLE_REACH * places[:, 2:3]) ** 2).all(axis=1))


def _measured(planes: NDArray[np.float32]) -> NDArray[np.float64]:
    noise = noise_of(planes).astype(np.float64)
    bright = np.nanpercentile(np.abs(planes.reshape(len(planes), -1)), 90, axis=1)
    return np.where(noise > 0, np.maximum(noise, _DIGITS * bright), 0.0)
