"""Asinh magnitudes, which stay finite where a flux is zero or negative.

References
----------
Lupton, Gunn and Szalay 1999, AJ 118, 1406, doi:10.1086/301004
"""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["POGSON", "SOFTENING", "asinh_magnitude", "asinh_magnitude_error"]

POGSON = 2.5 / math.log(10)
"""Magnitudes of a factor e."""
SOFTENING = 1.042
"""Softening over the flux error that is best: equation 9 of the paper."""

Floats = NDArray[np.float64]


def asinh_magnitude(flux: float, softening: float, zero_point: float) -> float:
    """Return the asinh magnitude of a flux.

    ``zero_point - 2.5 / ln 10 (asinh(flux / 2 b) + ln b)``: above a few softenings ``b`` it is
    Pogson's magnitude to a thousandth.

    Parameters
    ----------
    flux, softening : float
        In the same unit.
    zero_point : float
        Magnitude of a flux of 1 in that unit.
    """
    return zero_point - POGSON * (math.asinh(flux / (2 * softening)) + math.log(softening))


def asinh_magnitude_error(flux: float, error: float, softening: float) -> float:
    """Return the error of an asinh magnitude, by linear propagation."""
    return POGSON * error / math.hypot(flux, 2 * softening)
