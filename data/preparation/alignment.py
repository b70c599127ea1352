"""Alignment of galaxies: common center, direction and size, for learning from pixels."""

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

_TARGET_EXTENT = 0.2  # of the side: half-light radius of aligned galaxies
# largest change of scale: beyond, pixels would be repeated, or most of the image empty
_MAX_SCALE = 2.0


def align(
    pixels: ArrayLike, *, rotate: bool = True, normalize: bool = True, beyond: float = 0.0
) -> NDArray[np.float32]:
    """Move galaxies to the center of their image, rotate them along it, and scale them to one size.

    Each galaxy is found where it exceeds the noise (see
    `galfeat.data.preparation.segmentation.segment`); then its bands are moved, rotated and scaled
    together, so that its center of light is the center of the image, its major axis lies along the
    rows with the longer tail of light toward higher columns, and its half-light radius is 0.2 of
    the side. Where nothing is detected near the center, and where there is no good pixel, the
    galaxy stays as it is.

    Parameters
    ----------
    pixels : array, shape (n, bands, size, size)
        Prepared galaxies, with the sky at zero and its noise at one, stretched or not. Values that
        are not finite are bad.
    rotate : bool, default True
        Rotate the galaxies.
    normalize : bool, default True
        Scale the galaxies, by a factor of two at most.
    beyond : float, default 0.0
        Value where the aligned image reaches beyond the given one: the level of the sky;
        ``numpy.nan`` marks it as bad.

    Returns
    -------
    array of float32, shape (n, bands, size, size)
        Values are interpolated bilinearly between good pixels, so none exceeds those given; a pixel
        is NaN where more than half of its weight is bad. The unit stays a surface brightness: a
        galaxy that is enlarged gets larger, not fainter.

    Raises
    ------
    UsageError
        If the array has other axes.

    Notes
    -----
    Each galaxy is aligned by itself: the result does not depend on the others. Galaxies are not
    mirrored, so that arms keep their sense. The direction of a round galaxy is that of its noise:
    it is reproducible but carries no information.

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
        shape = _measure_shape(galaxy)
        if shape is not None:
            aligned[row] = _transform(
                galaxy, shape, _transform_matrix(shape, galaxy.shape[1], rotate, normalize), beyond
            )
    return aligned


def _measure_shape(galaxy: NDArray[np.float32]) -> LightShape | None:
    """Measure the central galaxy; None if there is none."""
    image = combine_bands(galaxy)
    region = central_region(segment(image))
    if not region.any():
        return None
    return light_shape(np.where(np.isfinite(image), image, smooth_image(image)), region)


def _transform_matrix(
    shape: LightShape, size: int, rotate: bool, normalize: bool
) -> NDArray[np.float64]:
    """Return the matrix that maps offsets (row, column) in the aligned image to the given image."""
    enlarged = _TARGET_EXTENT * size / max(shape.half_light, 0.5) if normalize else 1.0
    step = 1 / min(max(enlarged, 1 / _MAX_SCALE), _MAX_SCALE)
    cos, sin = (math.cos(shape.angle), math.sin(shape.angle)) if rotate else (1.0, 0.0)
    return step * np.array([[cos, sin], [-sin, cos]])


def _transform(
    galaxy: NDArray[np.float32], shape: LightShape, matrix: NDArray[np.float64], beyond: float
) -> NDArray[np.float64]:
    size = galaxy.shape[1]
    offset = np.array([shape.y, shape.x]) - matrix @ np.full(2, (size - 1) / 2)
    inside = _interpolate(np.ones((size, size)), matrix, offset)
    moved = np.empty(galaxy.shape)
    for band, image in enumerate(galaxy):
        good = np.isfinite(image)
        weight = inside if good.all() else _interpolate(good.astype(np.float64), matrix, offset)
        light = _interpolate(np.where(good, image, 0).astype(np.float64), matrix, offset)
        values = np.divide(
            light,
            weight,
            out=np.full((size, size), np.nan),
            where=(weight > 0) & (weight >= 0.5 * inside),
        )
        moved[band] = np.where(inside >= 0.5, values, beyond)
    return moved


def _interpolate(
    image: NDArray[np.float64], matrix: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.float64]:
    sampled: NDArray[np.float64] = ndimage.affine_transform(
        image, matrix, offset, order=1, mode="grid-constant", cval=0.0
    )
    return sampled
