"""Lowe's keypoint detector: keypoints with position, size and direction, and their descriptors."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.finite import flawed_rows
from galfeat.features.sift.keypoints.pyramid import gaussians
from galfeat.features.sift.keypoints.scale_space import aligned, plane_shape
from galfeat.features.sift.keypoints.search import search

__all__ = ["detect", "detect_batch"]

_SMALLEST = 16

Found = tuple[NDArray[np.float32], NDArray[np.uint8]]


def detect(
    image: NDArray[np.float32],
    *,
    octave_layers: int = 3,
    contrast: float,
    edge_threshold: float = 10.0,
    sigma: float = 1.6,
    upsample: bool = True,
) -> Found:
    """Find and describe the keypoints of one image.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Finite, in any unit, at least 16x16. It is not written to.
    octave_layers : int, default 3
        Scales measured in each octave.
    contrast : float
        Least contrast of a keypoint, in the image's unit: `octave_layers` times its response. In
        units of the response itself the threshold would depend on how finely the scales are taken.
    edge_threshold : float, default 10.0
        Largest ratio of the curvatures along and across a keypoint; elongated ones are edges.
    sigma : float, default 1.6
        Blur of the first scale, in pixels of the doubled image (of the image itself without
        `upsample`).
    upsample : bool, default True
        Whether to begin with the image doubled, which finds the smallest keypoints.

    Returns
    -------
    keypoints : array of float32, shape (k, 5)
        Column x and row y of the keypoint (the first pixel's center is 0, 0), the diameter `size`
        in pixels, the angle in degrees (from the x axis toward the y axis, 0 to 360) and the
        response, which is the difference of Gaussians in the image's unit. Sorted by x, y, size and
        angle.
    descriptors : array of uint8, shape (k, 128)
        For each keypoint 4x4 cells of 8 directions: row by row of cells, then the directions.

    Raises
    ------
    ValueError
        If a pixel is not finite, or the image is smaller than 16x16.

    Notes
    -----
    OpenCV divides its contrast threshold by the number of layers and takes images of 0 to 255 as 0
    to 1, so ``detect(image, contrast=0.04 * 255)`` is ``cv2.SIFT.create(contrastThreshold=0.04,
    enable_precise_upscale=True)`` on the same 8-bit image: the places, sizes, directions and
    descriptors are OpenCV's but for rounding. It differs in three things. OpenCV rounds the
    threshold of its first test, half that of the second, down to a whole number of its 255
    brightnesses, so that it has a few more candidates; it fits the parabolas in single precision;
    and its arc tangent errs by up to 0.3 degrees.

    The image's middle brightness is subtracted, and the rest scaled by a power of two, before
    anything is measured: neither the unit nor the sky enters but by the rounding of the pixels
    given, and no threshold is absolute but `contrast`.

    References
    ----------
    Lowe 2004, Int. J. Computer Vision 60, 91, doi:10.1023/B:VISI.0000029664.99615.94;
    Rey-Otero and Delbracio 2014, Image Processing On Line 4, 370, doi:10.5201/ipol.2014.82

    Examples
    --------
    >>> y, x = np.indices((64, 64))
    >>> spot = np.exp(-((x - 30) ** 2 + (y - 25) ** 2) / 32).astype(np.float32)
    >>> keypoints, descriptors = detect(spot, contrast=0.1)
    >>> keypoints[0, :3].round(1)
    array([30. , 25. ,  7.1], dtype=float32)
    >>> descriptors.shape[1]
    128
    """
    (found,) = detect_batch(
        image[None],
        octave_layers=octave_layers,
        contrast=contrast,
        edge_threshold=edge_threshold,
        sigma=sigma,
        upsample=upsample,
    )
    return found


def detect_batch(
    images: NDArray[np.float32],
    *,
    octave_layers: int = 3,
    contrast: float | Sequence[float],
    edge_threshold: float = 10.0,
    sigma: float = 1.6,
    upsample: bool = True,
    wanted: NDArray[np.float32] | None = None,
    least: NDArray[np.float64] | None = None,
) -> list[Found]:
    """Find and describe the keypoints of images of one shape; see `detect`.

    The keypoints of an image depend on that image alone.

    Parameters
    ----------
    images : array of float32, shape (n, ny, nx)
    octave_layers, edge_threshold, sigma, upsample
        See `detect`.
    contrast : float or sequence of float
        One number, or one an image.
    wanted : array of float32, shape (n, ny, nx), optional
        Factor of `least` at each pixel; infinite where no keypoint is taken.
    least : array of float64, shape (n, octaves, octave_layers + 2), optional
        Least responses of keypoints, in the image's unit, of the scales of
        `galfeat.features.sift.keypoints.scale_space.octave_scales`, between which it is
        interpolated; with `wanted` only.

    Raises
    ------
    ValueError
        If a pixel is not finite, or the images are smaller than 16x16.
    """
    n, ny, nx = images.shape
    images = np.ascontiguousarray(images, dtype=np.float32)
    if min(ny, nx) < _SMALLEST:
        raise ValueError(
            f"images must have at least {_SMALLEST}x{_SMALLEST} pixels; they have {ny}x{nx}"
        )
    if not n:
        return []
    if len(bad := flawed_rows(images)):
        raise ValueError(f"images must be finite; image {bad[0]} is not")
    taps, reaches = gaussians(float(sigma), octave_layers, upsample)
    scale = 2 if upsample else 1
    halo = int(reaches.max())
    keypoints, descriptors, counts = search(
        images.reshape(n, ny * nx),
        (ny, nx),
        np.broadcast_to(np.asarray(contrast, dtype=np.float64), n).copy(),
        taps,
        reaches,
        halo,
        float(edge_threshold),
        float(sigma),
        bool(upsample),
        aligned(plane_shape(scale * ny, scale * nx, halo, octave_layers)),
        np.empty((n, 0, 0), dtype=np.float32) if wanted is None else np.ascontiguousarray(wanted),
        np.empty((n, 0, 0)) if least is None else np.ascontiguousarray(least),
    )
    return _sorted(keypoints, descriptors, counts)


def _sorted(
    keypoints: NDArray[np.float32], descriptors: NDArray[np.uint8], counts: NDArray[np.int64]
) -> list[Found]:
    """Return the keypoints of each image sorted, without duplicates."""
    image = np.repeat(np.arange(len(counts)), counts)
    x, y, size, angle = keypoints.T[:4]
    order = np.lexsort((angle, size, y, x, image))
    where, image = keypoints[order], image[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (where[1:, :4] != where[:-1, :4]).any(axis=1) | (image[1:] != image[:-1])
    where, values = where[new], descriptors[order[new]]
    ends = np.searchsorted(image[new], np.arange(1, len(counts)))
    return list(zip(np.split(where, ends), np.split(values, ends), strict=True))
