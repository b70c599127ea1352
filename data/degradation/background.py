"""Gradient of the sky background, as by the moon, scattered light or a bad flat field."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_gradient"]


def add_gradient(
    image: NDArray[np.floating], rise: float, angle: float = 0.0
) -> NDArray[np.float64]:
    """Return an image (ny, nx) on a plane that is tilted.

    Parameters
    ----------
    image : array, shape (ny, nx)
    rise : float
        Difference between opposite ends of the shorter side, in the unit of the pixels; the middle
        of the image stays as it is.
    angle : float
        Direction in which the sky becomes brighter, degrees from the x axis toward y.
    """
    ny, nx = image.shape
    y, x = np.indices(image.shape) - np.array([ny - 1, nx - 1])[:, None, None] / 2
    turned = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    return np.asarray(image + rise * turned / (min(ny, nx) - 1))
