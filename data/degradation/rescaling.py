"""Smaller galaxies on the same grid, as with larger pixels or at a larger distance."""

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.degradation.exposure import Exposure
from galfeat.data.preparation.resampling import window_weights

__all__ = ["shrink"]

_RAMP = 0.1  # of a side: the border in which the light of a smaller image fades into the sky


def shrink(exposure: Exposure, factor: float, *, keep_flux: bool = False) -> Exposure:
    """Return an exposure in which everything is smaller about the center, on as many pixels.

    Parameters
    ----------
    exposure : Exposure
    factor : float
        By which all lengths are divided, at least 1.
    keep_flux : bool
        Whether galaxies keep their flux, as on larger pixels of the same depth in surface
        brightness, or their surface brightness, as at a larger distance; their flux is then
        divided by the square of the factor.

    Raises
    ------
    UsageError
        If the factor is below 1.

    Notes
    -----
    New pixels are means of old ones, weighted by shared areas, which is the filter of larger
    pixels: there is no aliasing beyond that of a camera. Around the smaller image is nothing but
    sky; toward it light fades along the tenth of the side in which the sky was measured, so that
    skirts of galaxies end without an edge.
    """
    if not factor >= 1:
        raise UsageError(f"an image is made smaller by a factor of at least 1; it is {factor:g}")
    if factor == 1:
        return exposure
    ny, nx = exposure.light.shape
    ramp = np.outer(_ramp(ny), _ramp(nx))
    seen = ramp if exposure.seen is None else ramp * exposure.seen
    faded = replace(exposure, light=exposure.light * ramp, seen=seen)
    small = faded.filtered(partial(_shrink_axis, factor))
    return small.scaled(factor**2) if keep_flux else small


def _shrink_axis(factor: float, values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    side = values.shape[axis]
    weights = window_weights(side, side, side * (1 - factor) / 2, side * factor)
    return np.asarray(np.moveaxis(weights @ np.moveaxis(values, axis, 0), 0, axis))


def _ramp(side: int) -> NDArray[np.float64]:
    """Return 1 in the middle of an axis, falling smoothly to 0 at its ends."""
    place = (np.arange(side) + 0.5) / side
    inward = np.minimum(np.minimum(place, 1 - place) / _RAMP, 1)
    return np.asarray(inward**2 * (3 - 2 * inward))
