"""Colour pictures for people, by Lupton et al. (2004)."""

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
    """Return a colour picture in which bright parts keep their colour.

    All three channels of a pixel are multiplied by one number that depends on their mean alone, so
    that the ratio of red to green to blue is that of the light, where other pictures turn white: I
    = (r + g + b) / 3 - minimum becomes 0.1 asinh(Q I / stretch) / asinh(0.1 Q), and what is
    brighter than the screen is scaled down in all channels alike.

    Parameters
    ----------
    pixels : array, shape (bands, ny, nx)
        Light above the sky in any one unit; the defaults suit light in units of the noise, as
        prepared cutouts are. Values that are not finite are bad.
    channels : three ints, optional
        Which bands are shown as red, green and blue, counted from 0. By default the last, the
        middle and the first, since bands stand in the order of wavelength; of two bands green is
        the mean, and one band is grey. A picture's own channels are (0, 1, 2).
    stretched : bool, default False
        Whether the pixels are asinh(light), as ``Preparation(stretch="asinh")`` leaves them; it is
        undone then.
    minimum : float, default 0.0
        What is shown black.
    stretch : float, default 20.0
        Light that is a little over a third of white; smaller shows fainter light.
    softening : float, default 8.0
        Q: how strongly bright light is compressed; above 0.

    Returns
    -------
    array of uint8, shape (ny, nx, 3)
        Bad pixels, and those bad in one of the bands that are shown, are black. The first row is
        the first of the image: show it with ``origin="lower"`` if it came from FITS.

    Raises
    ------
    UsageError
        If there are no bands, or a setting is outside its range.

    Notes
    -----
    `astropy.visualization.make_lupton_rgb` does the work.

    References
    ----------
    Lupton, R., et al. 2004, PASP 116, 133, https://doi.org/10.1086/382245

    Examples
    --------
    >>> from galfeat.data import lupton_rgb, prepare, simulate
    >>> lupton_rgb(prepare(simulate(1)).pixels[0], stretched=True).shape
    (64, 64, 3)
    """
    light = np.asarray(pixels, dtype=np.float64)
    if light.ndim != 3 or not light.shape[0]:
        raise UsageError(
            f"pixels of a picture must have the axes (bands, ny, nx); their shape is {light.shape}"
        )
    for name, value in {"stretch": stretch, "softening": softening}.items():
        if not 0 < value < np.inf:
            raise UsageError(f"{name} must be a number above 0; it is {value!r}")
    shown = _shown(np.sinh(light) if stretched else light, channels)
    bad = ~np.isfinite(shown).all(axis=0)
    from astropy.visualization import make_lupton_rgb  # imported late: half a second

    shown = np.where(bad, 0.0, shown - minimum)
    # black anyway, and a mean of nothing would be divided by
    shown[:, shown.sum(axis=0) <= 0] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        picture: NDArray[np.uint8] = make_lupton_rgb(
            *shown, minimum=0.0, stretch=stretch, Q=softening
        )
    return picture


def _shown(light: NDArray[np.float64], channels: Sequence[int] | None) -> NDArray[np.float64]:
    """Return the images that are shown as red, green and blue, shape (3, ny, nx)."""
    count = light.shape[0]
    if channels is None:
        green = light.mean(axis=0) if count == 2 else light[count // 2]
        return np.stack([light[-1], green, light[0]])
    chosen = list(channels)
    if len(chosen) != 3 or not all(
        isinstance(each, int | np.integer) and -count <= each < count for each in chosen
    ):
        raise UsageError(
            f"channels must be three numbers of bands, from 0 to {count - 1}; they are {chosen}"
        )
    return light[chosen]
