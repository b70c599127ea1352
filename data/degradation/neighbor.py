"""A bright neighbor in projection."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["add_neighbor"]

_SCALE_LENGTHS = 1.678  # of an exponential disk, in its half-light radius
_FINE = 3  # points of a pixel along an axis


def add_neighbor(
    images: NDArray[np.floating],
    fluxes: Sequence[float],
    position: tuple[float, float],
    radius: float,
) -> NDArray[np.float64]:
    """Return images with a round exponential disk added, the same in all bands.

    Parameters
    ----------
    images : array, shape (bands, ny, nx)
    fluxes : sequence of float
        Total flux in each band, in the unit of the pixels.
    position : (float, float)
        Of its center, rows and columns, pixels; 0 is the center of the first pixel.
    radius : float
        Half-light radius, pixels.
    """
    ny, nx = images.shape[1:]
    inside = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    y = (np.arange(ny)[:, None] + inside).ravel() - position[0]
    x = (np.arange(nx)[:, None] + inside).ravel() - position[1]
    length = radius / _SCALE_LENGTHS
    fine = np.exp(-np.hypot(y[:, None], x[None, :]) / length) / (2 * np.pi * length**2)
    disk = fine.reshape(ny, _FINE, nx, _FINE).mean(axis=(1, 3))
    return np.asarray(images + np.asarray(fluxes, dtype=float)[:, None, None] * disk)
