"""Pixel coordinates of positions: the first pixel of each cutout in a mosaic."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.data.sources.catalogs.positions import Positions

__all__ = ["UNREACHED", "corners_of"]

UNREACHED = -(1 << 40)
"""Corner of a position that a mosaic's projection does not reach: far outside of any mosaic."""

# Decimals of a pixel. Below that differences are rounding, and must not shift one band against
# another where two pixels are equally near.
_DECIMALS = 6


def corners_of(wcs: Any, positions: Positions, size: int) -> NDArray[np.int64]:
    """Return row and column of the first pixel of each cutout, as `astropy.nddata.Cutout2D` does.

    Parameters
    ----------
    wcs : astropy.wcs.WCS
        Celestial coordinates of the mosaic; not used for positions in pixels.
    positions : Positions
    size : int
        Pixels a side.

    Returns
    -------
    array of int64, shape (n, 2)
        May lie outside the mosaic; `UNREACHED` where there is no position.
    """
    known = np.asarray(np.isfinite(positions.values).all(axis=0))
    corners = np.full((known.size, 2), UNREACHED, np.int64)
    values = positions.values[:, known]
    x, y = _sky_to_pixels(wcs, values) if positions.on_sky else values
    first = np.ceil(np.round(np.stack([y, x], axis=-1), _DECIMALS) - size / 2)
    reached = np.isfinite(first).all(axis=-1) & (np.abs(first) < -UNREACHED).all(axis=-1)
    corners[np.nonzero(known)[0][reached]] = first[reached].astype(np.int64)
    return corners


def _sky_to_pixels(wcs: Any, sky: NDArray[np.float64]) -> Any:
    from astropy.coordinates import SkyCoord
    from astropy.wcs import NoConvergence

    coordinates = SkyCoord(*sky, unit="deg", frame="icrs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return wcs.world_to_pixel(coordinates)
        # far outside, where the polynomials of the distortion diverge
        except NoConvergence as error:
            x, y = np.array(error.best_solution, dtype=float).T
            for lost in (error.divergent, error.slow_conv):
                x[[] if lost is None else lost] = np.nan
            return x, y
