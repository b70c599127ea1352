"""Linear images of a galaxy in several bands, with all that photometry needs to know of them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["LinearImage"]


@dataclass(frozen=True, eq=False)
class LinearImage:
    """One galaxy before any stretch or resampling.

    Parameters
    ----------
    pixels : array, shape (bands, ny, nx)
        Linear flux of each pixel; bad ones are not finite.
    noise : array, shape (bands, ny, nx), optional
        Standard deviations. Unless given, those of the sky of each band: the noise of the galaxy's
        own photons is then left out.
    zero_points : tuple of float or None, optional
        For each band the magnitude of a flux of 1, or None where it is unknown; see `calibration`.
    units : tuple of str, optional
        The unit of each band's pixels, for messages.
    pixel_scale : float, optional
        Side of a pixel, arcseconds.
    flags : tuple of str
        What is known to be wrong before anything is measured: ``not_linear``, pixels that are
        magnitudes or those of a picture, which are not measured; ``other_unit``, a band in another
        unit than the same band of other galaxies.

    Raises
    ------
    UsageError
        If the pixels have other axes, or the others do not fit to them.
    """

    pixels: NDArray[np.floating]
    noise: NDArray[np.floating] | None = None
    zero_points: tuple[float | None, ...] = field(default=())
    units: tuple[str, ...] = field(default=())
    pixel_scale: float | None = None
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if np.ndim(self.pixels) != 3 or 0 in np.shape(self.pixels):
            raise UsageError(
                f"pixels must have the axes (bands, ny, nx); their shape is {np.shape(self.pixels)}"
            )
        bands = len(self.pixels)
        if self.noise is not None and np.shape(self.noise) != np.shape(self.pixels):
            raise UsageError(
                f"noise must have the shape of the pixels, {np.shape(self.pixels)}; it has "
                f"{np.shape(self.noise)}"
            )
        for name in ("zero_points", "units"):
            given = getattr(self, name)
            if given and len(given) != bands:
                raise UsageError(f"{name} must be one for each of {bands} bands; there are {given}")
        if self.pixel_scale is not None and not 0 < self.pixel_scale < np.inf:
            raise UsageError(
                f"pixel_scale must be a positive number of arcseconds; it is {self.pixel_scale}"
            )
