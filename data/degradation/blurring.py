"""Blur of the light, as by worse seeing or a larger point spread function."""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from galfeat.data.degradation.exposure import Exposure

__all__ = ["FWHM", "blur", "blur_to"]

FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian of standard deviation one."""


def blur(exposure: Exposure, sigma: float) -> Exposure:
    """Return an exposure convolved with a Gaussian of standard deviation `sigma`, pixels.

    Light is mirrored beyond the edges.
    """
    return exposure.filtered(partial(_gaussian, sigma)) if sigma > 0 else exposure


def blur_to(exposure: Exposure, fwhm: float, wanted: float) -> Exposure:
    """Return an exposure whose point spread function has another width.

    Parameters
    ----------
    exposure : Exposure
    fwhm : float
        Full width at half maximum of its point spread function, pixels.
    wanted : float
        That of the result; where it is not larger, the exposure is returned as it is.
    """
    return blur(exposure, math.sqrt(max(wanted**2 - fwhm**2, 0.0)) / FWHM)


def _gaussian(sigma: float, values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.asarray(ndimage.gaussian_filter1d(values, sigma, axis, mode="mirror"))
