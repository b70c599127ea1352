"""Galaxies brought to one place, one direction and one size, for those who learn from pixels."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from galfeat import UsageError
from galfeat.data.preparation.moments import LightShape, light_shape
from galfeat.data.preparation.segmentation import (
    central_region,
    combine_bands,
    segment,
    smooth_image,
)

__all__ = ["align"]

_EXTENT = 0.2  # of the side: the half-light radius that galaxies are brought to
# times: further, a galaxy would be repeated pixels, or a stamp in the middle of nothing
_MOST = 2.0


def align(
    pixels: ArrayLike, *, rotate: bool = True, normalise: bool = True, beyond: float = 0.0
) -> NDArray[np.float32]:
    """Move galaxies to the middle of their frame, turn them along it, and bring them to one size.

    Each galaxy is found where it stands out of the noise (see
    `galfeat.data.preparation.segmentation.segment`); then its bands are moved, turned and enlarged
    together, so that its centre of light is the centre of the frame, its major axis lies along the
    rows with the longer tail of light towards higher columns, and its half-light radius is 0.2 of
    the side. Where nothing stands out near the centre, and where there is no good pixel, the galaxy
    stays as it is.

    Parameters
    ----------
    pixels : array, shape (n, bands, size, size)
        Prepared galaxies, with the sky at zero and its noise at one, stretched or not. Values that
        are not finite are bad.
    rotate : bool, default True
        Turn the galaxies.
    normalise : bool, default True
        Enlarge or shrink the galaxies, by a factor of two at most.
    beyond : float, default 0.0
        What stands where the frame reaches beyond the given image: the level of the sky;
        ``numpy.nan`` marks it as bad.

    Returns
    -------
    array of float32, shape (n, bands, size, size)
        Values are interpolated (bilinearly) between good pixels, so none lies beyond those given; a
        pixel is NaN where more than half of what it is made of is bad. The unit stays a surface
        brightness: a galaxy that is enlarged gets larger, not fainter.

    Raises
    ------
    UsageError
        If the array has other axes.

    Notes
    -----
    Each galaxy is aligned by itself: the result does not depend on the others. Galaxies are not
    mirrored, so that arms keep their sense. The direction of a round galaxy is that of its noise:
    aligned twice it comes out the same, but it says nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.data import align
    >>> y, x = np.mgrid[:64, :64]
    >>> distance = np.hypot(x + y - 70, 3 * (x - y + 2))  # from column 34, row 36
    >>> slanted = 50 * np.exp(-distance / 12)
    >>> aligned = align(slanted[None, None])[0, 0]
    >>> [float(round((aligned * axis).sum() / aligned.sum(), 1)) for axis in (x, y)]
    [31.5, 31.5]
    """
    given = np.asarray(pixels, dtype=np.float32)
    if given.ndim != 4 or given.shape[2] != given.shape[3]:
        raise UsageError(
            "pixels to align must have the axes (n, bands, size, size); their shape is "
            f"{given.shape}"
        )
    aligned = given.copy()
    for row, galaxy in enumerate(given):
        shape = _found(galaxy)
        if shape is not None:
            aligned[row] = _moved(
                galaxy, shape, _matrix(shape, galaxy.shape[1], rotate, normalise), beyond
            )
    return aligned


def _found(galaxy: NDArray[np.float32]) -> LightShape | None:
    """Measure the galaxy in the middle; None if nothing is there."""
    image = combine_bands(galaxy)
    region = central_region(segment(image))
    if not region.any():
        return None
    return light_shape(np.where(np.isfinite(image), image, smooth_image(image)), region)


def _matrix(shape: LightShape, size: int, rotate: bool, normalise: bool) -> NDArray[np.float64]:
    """Return what turns a step in the aligned frame, in rows and columns, into one in the given
    image.
    """
    enlarged = _EXTENT * size / max(shape.half_light, 0.5) if normalise else 1.0
    step = 1 / min(max(enlarged, 1 / _MOST), _MOST)
    cos, sin = (math.cos(shape.angle), math.sin(shape.angle)) if rotate else (1.0, 0.0)
    return step * np.array([[cos, sin], [-sin, cos]])


def _moved(
    galaxy: NDArray[np.float32], shape: LightShape, matrix: NDArray[np.float64], beyond: float
) -> NDArray[np.float64]:
    size = galaxy.shape[1]
    offset = np.array([shape.y, shape.x]) - matrix @ np.full(2, (size - 1) / 2)
    inside = _sampled(np.ones((size, size)), matrix, offset)
    moved = np.empty(galaxy.shape)
    for band, image in enumerate(galaxy):
        good = np.isfinite(image)
        weight = inside if good.all() else _sampled(good.astype(np.float64), matrix, offset)
        light = _sampled(np.where(good, image, 0).astype(np.float64), matrix, offset)
        values = np.divide(
            light,
            weight,
            out=np.full((size, size), np.nan),
            where=(weight > 0) & (weight >= 0.5 * inside),
        )
        moved[band] = np.where(inside >= 0.5, values, beyond)
    return moved


def _sampled(
    image: NDArray[np.float64], matrix: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.float64]:
    sampled: NDArray[np.float64] = ndimage.affine_transform(
        image, matrix, offset, order=1, mode="grid-constant", cval=0.0
    )
    return sampled
