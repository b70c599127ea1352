"""Noise of the sky, its standard deviation and correlation, from the border of an image.

Differences of neighboring pixels do not measure the noise of images that were resampled, drizzled
or compressed: such pixels have part of their noise in common. Pixels further apart have not, but
between them the light of the galaxy changes. The noise is therefore measured on second differences
along the border, f(x - lag) - 2 f(x) + f(x + lag), in which any slope cancels, at a lag beyond the
reach of the correlation; sources are left out first. At shorter lags the same pixels then tell the
correlation. No mean of the sky is subtracted, so that there is no bias to correct for.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.window import Window

__all__ = ["CORRELATION_REACH", "NUMBERS", "SkyNoise", "measure_sky", "noise_lag", "shared_lag"]

CORRELATION_REACH = 5
"""Pixels of the cutout beyond which noise is taken to be independent.

At that distance nothing is left of the correlation of cutouts of SDSS and KiDS (interpolated; the
kernels' negative lobes reach to three pixels), of HST (drizzled), and of pictures in JPEG.
"""

NUMBERS = 4
"""Numbers of `SkyNoise`, in arrays of them."""


class SkyNoise(NamedTuple):
    """Sky of a band: level, noise and correlation."""

    sky: float
    """Median of the border, in the unit of the pixels."""
    sigma: float
    """Standard deviation of a pixel of sky, same unit; 0 where it cannot be measured."""
    rho_x: float
    """Correlation of the noise of neighboring pixels of a row; NaN where it cannot be measured."""
    rho_y: float
    """The same of a column."""

    def rounded(self, step: float, around: Window) -> "SkyNoise":
        """Return it with at least the noise of rounding, for pixels of a quantized image.

        The noise of pixels contains that of their rounding, unless it is so small that nearly all
        of them have one value. Means of pixels have less.
        """
        least = step / math.sqrt(12) * min(1.0, around.pixels / around.side)
        return self._replace(sigma=max(self.sigma, least)) if self.sigma else self


def noise_lag(around: Window) -> int:
    """Return the lag, pixels of the new grid, beyond which the noise of pixels is independent.

    New pixels that share a pixel of the cutout are correlated; so are those of the cutout, within
    `CORRELATION_REACH`. It is no more than a quarter of the side, where that is enough.
    """
    enlarged = around.pixels / around.side
    reach = math.ceil(CORRELATION_REACH * enlarged)
    return max(shared_lag(around), min(reach, around.pixels // 4))


def shared_lag(around: Window) -> int:
    """Return the lag, pixels of the new grid, at which two share no pixel of the cutout."""
    return 1 + math.ceil(max(1.0, around.pixels / around.side))


def measure_sky(image: NDArray[np.float64], width: int, lag: int) -> SkyNoise:
    """Measure level, noise and correlation of the sky on the border of an image.

    Parameters
    ----------
    image : array of float64, shape (ny, nx)
        At least one pixel is finite; the others are bad.
    width : int
        Width of the border, pixels. Where less than a fifth of it is good, the whole image counts.
    lag : int
        Distance of pixels whose noise is independent; see `noise_lag`.

    Returns
    -------
    SkyNoise
        Its ``sigma`` is 0 where fewer than 24 second differences are left, or nearly all are zero.

    Notes
    -----
    Sources are pixels around which the mean of 3 x 3 pixels deviates from the sky by more than 3
    sigma (1.4826 times the median absolute deviation of such means in the border). With the second
    differences d of the others, along the border, the noise is the root of the mean of d^2 / 6
    after clipping at 3 sigma, corrected for what normal noise loses by it. Where pixels side by
    side are nearly equal, as they are after strong smoothing, the lag is doubled. The correlation
    is one minus the mean of d^2 / 2 of pairs side by side over the variance; below -1 it is none,
    but light or a pattern that differs from pixel to pixel, and counts as unmeasured.
    """
    # imported late: numba, which reading without preparation does not need
    from galfeat.data.preparation.sky_noise_kernel import measure

    found = np.empty(NUMBERS)
    measure(np.ascontiguousarray(image), np.int64(width), np.int64(lag), found)
    return SkyNoise(*found.tolist())
