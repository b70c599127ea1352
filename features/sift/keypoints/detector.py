"""Lowe's keypoint detector: keypoints with position, size and direction, and their descriptors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.kernels.finite import flawed_rows
from galfeat.features.sift.keypoints.descriptor import describe, work_size
from galfeat.features.sift.keypoints.extrema import BORDER, FOUND, enlarged, extrema
from galfeat.features.sift.keypoints.orientation import BINS, DIRECTIONS, directions, gradients
from galfeat.features.sift.keypoints.pyramid import (
    BLOCK,
    blur,
    double,
    gaussians,
    halve,
    mirror_rows,
)

__all__ = ["detect", "detect_batch", "octave_scales"]

_VECTOR = 16  # float32 in the widest vector
_FLAT = -(1 << 30)
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
        Least responses of keypoints of the scales `octave_scales`, in the image's unit, between
        which it is interpolated; with `wanted` only.

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
    keypoints, descriptors, counts = _search(
        images.reshape(n, ny * nx),
        (ny, nx),
        np.broadcast_to(np.asarray(contrast, dtype=np.float64), n).copy(),
        taps,
        reaches,
        halo,
        float(edge_threshold),
        float(sigma),
        bool(upsample),
        _aligned(_planes(scale * ny, scale * nx, halo, octave_layers)),
        np.empty((n, 0, 0), dtype=np.float32) if wanted is None else np.ascontiguousarray(wanted),
        np.empty((n, 0, 0)) if least is None else np.ascontiguousarray(least),
    )
    return _sorted(keypoints, descriptors, counts)


def octave_scales(
    shape: tuple[int, int], *, octave_layers: int = 3, sigma: float = 1.6, upsample: bool = True
) -> NDArray[np.float64]:
    """Return the blurs of the differences of Gaussians of images (ny, nx), in pixels.

    Parameters
    ----------
    shape : (int, int)
    octave_layers, sigma, upsample
        See `detect`.

    Returns
    -------
    array of float64, shape (octaves, octave_layers + 2)
        Blur of the narrower of the two Gaussians, that of the image included; each layer is blurred
        by ``2 ** (1 / octave_layers)`` times as much as the one before.
    """
    side, pixel = (2 * min(shape), 0.5) if upsample else (min(shape), 1.0)
    octaves = []
    while side > 2 * BORDER:
        octaves.append(pixel * sigma * 2.0 ** (np.arange(octave_layers + 2) / octave_layers))
        side, pixel = side // 2, 2 * pixel
    return np.array(octaves)


@kernel(inline=True)
def _pitch(nx: int, halo: int) -> int:
    """Return the distance of rows in memory.

    It leaves space for the mirrored pixels between two rows, and is a multiple of a vector.
    """
    return (nx + 2 * halo + _VECTOR - 1) // _VECTOR * _VECTOR


def _planes(ny: int, nx: int, halo: int, layers: int) -> tuple[int, int]:
    """Return the number and length of the planes that any octave needs.

    Blurs, differences, gradients and angles.
    """
    return 2 * layers + 7, (ny + 2 * halo) * (nx + 2 * halo + _VECTOR)


def _aligned(shape: tuple[int, int]) -> NDArray[np.float32]:
    memory = np.zeros(shape[0] * shape[1] + _VECTOR, dtype=np.float32)
    start = -(memory.ctypes.data // memory.itemsize) % _VECTOR
    return memory[start : start + shape[0] * shape[1]].reshape(shape)


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


@kernel()
def _search(
    images: Any,
    shape: Any,
    contrasts: Any,
    taps: Any,
    reaches: Any,
    halo: int,
    edge: float,
    sigma: float,
    upsample: bool,
    planes: Any,
    wanted: Any,
    least: Any,
) -> Any:
    """Return the keypoints of all images, their descriptors, and the number in each image."""
    counts = np.zeros(len(images), dtype=np.int64)
    keypoints = np.empty((64, 5), dtype=np.float32)
    descriptors = np.empty((64, 128), dtype=np.uint8)
    found = np.empty((64, FOUND), dtype=np.float64)
    flags = np.empty((planes.shape[1] + 15) // 8 * 8, dtype=np.uint8)
    work = np.zeros(
        max(work_size(2 * shape[0], 2 * shape[1]), BLOCK + 2 * shape[1] + 4 * halo + 64),
        dtype=np.float32,
    )
    layers = len(reaches) - 3
    blurred, differences, sizes, angles = (
        planes[: layers + 3],
        planes[layers + 3 : 2 * layers + 5],
        planes[-2],
        planes[-1],
    )
    total: Any = np.int64(0)
    for row in range(len(images)):
        before = total
        shift = _level(images[row], blurred[0])
        if shift == _FLAT:
            continue
        contrast = math.ldexp(contrasts[row], -shift) / layers
        ny, nx, pixel = (2 * shape[0], 2 * shape[1], 0.5) if upsample else (shape[0], shape[1], 1.0)
        pitch = _pitch(nx, halo)
        _lay_out(blurred[0], ny, nx, blurred[1][halo * pitch :], pitch, upsample)
        first, octave = 0, 0
        while min(ny, nx) > 2 * BORDER:
            for k in range(first, layers + 3):
                # the first scale is a blur of the image; its difference is overwritten
                source = blurred[k - 1 if k else 1]
                mirror_rows(source, ny, pitch, halo)
                blur(
                    source,
                    blurred[k],
                    ny,
                    nx,
                    pitch,
                    halo,
                    taps[k],
                    reaches[k],
                    differences[max(k - 1, 0)],
                    work,
                )
            first = 1
            number, found = extrema(
                differences, ny, nx, pitch, layers, contrast, edge, flags, found
            )
            if wanted.size:
                number = _kept(found, number, wanted[row], least[row], octave, pixel, shift)
            if number:
                total, keypoints, descriptors = _describe_all(
                    blurred,
                    ny,
                    nx,
                    pitch,
                    halo,
                    sigma,
                    pixel,
                    shift,
                    sizes,
                    angles,
                    work,
                    found[:number],
                    total,
                    keypoints,
                    descriptors,
                )
            ny, nx, pixel, octave = ny // 2, nx // 2, 2 * pixel, octave + 1
            wide, pitch = pitch, _pitch(nx, halo)
            halve(blurred[layers][halo * wide :], wide, blurred[0][halo * pitch :], ny, nx, pitch)
        counts[row] = total - before
    return keypoints[:total], descriptors[:total], counts


@kernel()
def _level(image: Any, out: Any) -> int:
    """Shift an image's middle to zero and scale its range below one, by a power of two.

    Return the power, or `_FLAT`.
    """
    low, high = _range(image)
    if not low < high:
        return _FLAT
    middle = 0.5 * (low + high)
    _, shift = math.frexp(high - middle)
    factor = math.ldexp(1.0, -shift)
    for i in range(len(image)):
        out[i] = np.float32((np.float64(image[i]) - middle) * factor)
    return shift


@kernel()
def _range(image: Any) -> tuple[float, float]:
    low, high = image[0], image[0]
    for i in range(len(image)):
        low = min(low, image[i])
        high = max(high, image[i])
    return np.float64(low), np.float64(high)


@kernel()
def _lay_out(image: Any, ny: int, nx: int, plane: Any, pitch: int, upsample: bool) -> None:
    """Copy the image to the rows of a plane of (ny, nx), doubled or as it is."""
    if upsample:
        double(image, ny // 2, nx // 2, plane, pitch)
    else:
        for y in range(ny):
            for x in range(nx):
                plane[y * pitch + x] = image[y * nx + x]


@kernel()
def _kept(
    found: Any, number: int, wanted: Any, least: Any, octave: int, pixel: float, shift: int
) -> int:
    """Move the extrema that are wanted, and strong enough, to the front; return their number."""
    ny, nx = wanted.shape
    kept = 0
    for k in range(number):
        y = min(max(int(np.rint((found[k, 0] + found[k, 3]) * pixel)), 0), ny - 1)
        x = min(max(int(np.rint((found[k, 1] + found[k, 4]) * pixel)), 0), nx - 1)
        factor = np.float64(wanted[y, x])
        if not factor < np.inf:
            continue
        if least.size:
            scale = found[k, 2] + found[k, 5]
            below = int(scale)
            share = scale - below
            needed = (1 - share) * least[octave, below] + share * least[octave, below + 1]
            if math.ldexp(abs(found[k, 6]), shift) < factor * needed:
                continue
        for j in range(FOUND):
            found[kept, j] = found[k, j]
        kept += 1
    return kept


@kernel()
def _describe_all(
    blurred: Any,
    ny: int,
    nx: int,
    pitch: int,
    halo: int,
    sigma: float,
    pixel: float,
    shift: int,
    sizes: Any,
    angles: Any,
    work: Any,
    found: Any,
    total: int,
    keypoints: Any,
    descriptors: Any,
) -> Any:
    layers = len(blurred) - 3
    peaks = np.empty(BINS, dtype=np.float64)
    for layer in range(1, layers + 1):
        done = 0
        for k in range(len(found)):
            if found[k, 2] != layer:
                continue
            y, x = int(found[k, 0]), int(found[k, 1])
            scale = sigma * 2.0 ** ((layer + found[k, 5]) / layers)
            if done == 0:
                inside = blurred[layer][halo * pitch : (halo + ny) * pitch]
                gradients(inside, pitch, (ny - 1) * pitch, pitch, sizes, angles)
                done = 1
            number = directions(sizes, angles, ny, nx, pitch, y, x, scale, work, peaks)
            for i in range(number):
                if total == len(keypoints):
                    keypoints, descriptors = enlarged(keypoints), enlarged(descriptors)
                place = keypoints[total]
                place[0], place[1] = (x + found[k, 4]) * pixel, (y + found[k, 3]) * pixel
                place[2] = 2 * scale * pixel
                place[3] = np.float32(360 - 10 * peaks[i]) % np.float32(360)
                place[4] = math.ldexp(abs(found[k, 6]), shift)
                describe(
                    sizes,
                    angles,
                    ny,
                    nx,
                    pitch,
                    y,
                    x,
                    scale,
                    peaks[i] * (DIRECTIONS / BINS),
                    work,
                    descriptors[total],
                )
                total += 1
    return total, keypoints, descriptors
