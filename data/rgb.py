"""Color pictures for display, by Lupton et al. (2004)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import UsageError

__all__ = ["lupton_rgb"]


def lupton_rgb(
    pixels: ArrayLike,
    *,
    channels: Sequence[int] | None = None,
    stretched: bool = False,
    minimum: float = 0.0,
    stretch: float = 20.0,
    softening: float = 8.0,
) -> NDArray[np.uint8]:
    """Return an RGB picture in which bright regions keep their color.

    All three channels of a pixel are multiplied by one factor that depends on their mean alone, so
    that the ratio of red to green to blue is that of the flux, where other methods saturate to
    white: I = (r + g + b) / 3 - minimum becomes 0.1 asinh(Q I / stretch) / asinh(0.1 Q), and pixels
    beyond the maximum of the display are scaled down in all channels alike.

    Parameters
    ----------
    pixels : array, shape (bands, ny, nx)
        Sky-subtracted flux in any one unit; the defaults suit flux in units of the noise, as in
        prepared cutouts. Values that are not finite are bad.
    channels : three ints, optional
        Bands to show as red, green and blue, counted from 0. By default the last, the middle and
        the first, since bands are in the order of wavelength; of two bands green is the mean, and
        one band is gray. The channels of a JPEG or PNG picture are (0, 1, 2).
    stretched : bool, default False
        Whether the pixels are asinh(flux), as after ``Preparation(stretch="asinh")``; the stretch
        is then inverted.
    minimum : float, default 0.0
        Flux that is shown black.
    stretch : float, default 20.0
        Flux that is a little over a third of white; smaller values show fainter light.
    softening : float, default 8.0
        Q: how strongly bright light is compressed; above 0.

    Returns
    -------
    array of uint8, shape (ny, nx, 3)
        Pixels that are bad in one of the bands shown are black. The first row is the first of the
        image: show it with ``origin="lower"`` if it is from a FITS file.

    Raises
    ------
    UsageError
        If there are no bands, or a setting is outside its range.

    Notes
    -----
    The picture is computed by `astropy.visualization.make_lupton_rgb`.

    References
    ----------
    Lupton, R., et al. 2004, PASP 116, 133, https://doi.org/10.1086/382245

    Examples
    --------
    >>> from galfeat.data import lupton_rgb, prepare, simulate
    >>> lupton_rgb(prepare(simulate(1)).pixels[0], stretched=True).shape
    (64, 64, 3)
    """
    flux = np.asarray(pixels, dtype=np.float64)
    if flux.ndim != 3 or not flux.shape[0]:
        raise UsageError(
            f"pixels of a picture must have the axes (bands, ny, nx); their shape is {flux.shape}"
        )
    for name, value in {"stretch": stretch, "softening": softening}.items():
        if not 0 < value < np.inf:
            raise UsageError(f"{name} must be a number above 0; it is {value!r}")
    shown = _select_channels(np.sinh(flux) if stretched else flux, channels)
    bad = ~np.isfinite(shown).all(axis=0)
    from astropy.visualization import make_lupton_rgb  # imported late: it takes half a second

    shown = np.where(bad, 0.0, shown - minimum)
    # these are black anyway, and their mean is a divisor
    shown[:, shown.sum(axis=0) <= 0] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        picture: NDArray[np.uint8] = make_lupton_rgb(
            *shown, minimum=0.0, stretch=stretch, Q=softening
        )
    return picture


def _select_channels(
    flux: NDArray[np.float64], channels: Sequence[int] | None
) -> NDArray[np.float64]:
    """Return the bands that are shown as red, green and blue, shape (3, ny, nx)."""
    count = flux.shape[0]
    if channels is None:
        green = flux.mean(axis=0) if count == 2 else flux[count // 2]
        return np.stack([flux[-1], green, flux[0]])
    selected = list(channels)
    if len(selected) != 3 or not all(
        isinstance(each, int | np.integer) and -count <= each < count for each in selected
    ):
        raise UsageError(
            f"channels must be three numbers of bands, from 0 to {count - 1}; they are {selected}"
        )
    return flux[selected]
