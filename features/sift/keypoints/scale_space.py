"""Scale space of an image: its octaves' scales, its level, and how its planes lie in memory."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.sift.keypoints.extrema import BORDER
from galfeat.features.sift.keypoints.pyramid import double

__all__ = ["FLAT", "aligned", "lay_out", "level", "octave_scales", "pitch_of", "plane_shape"]

FLAT = -(1 << 30)
"""Power of an image of one brightness, which has no keypoints."""

_VECTOR = 16  # float32 in the widest vector


def octave_scales(
    shape: tuple[int, int], *, octave_layers: int = 3, sigma: float = 1.6, upsample: bool = True
) -> NDArray[np.float64]:
    """Return the blurs of the differences of Gaussians of images (ny, nx), in pixels.

    Parameters
    ----------
    shape : (int, int)
    octave_layers, sigma, upsample
        See `galfeat.features.sift.keypoints.detector.detect`.

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
def pitch_of(nx: int, halo: int) -> int:
    """Return the distance of rows in memory.

    It leaves space for the mirrored pixels between two rows, and is a multiple of a vector.
    """
    return (nx + 2 * halo + _VECTOR - 1) // _VECTOR * _VECTOR


def plane_shape(ny: int, nx: int, halo: int, layers: int) -> tuple[int, int]:
    """Return the number and length of the planes that any octave needs.

    Blurs, differences, gradients and angles.
    """
    return 2 * layers + 7, (ny + 2 * halo) * (nx + 2 * halo + _VECTOR)


def aligned(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return zeros that begin where vectors do in memory."""
    memory = np.zeros(shape[0] * shape[1] + _VECTOR, dtype=np.float32)
    start = -(memory.ctypes.data // memory.itemsize) % _VECTOR
    return memory[start : start + shape[0] * shape[1]].reshape(shape)


@kernel()
def level(image: Any, out: Any) -> int:
    """Shift an image's middle to zero and scale its range below one, by a power of two.

    Return the power, or `FLAT`.
    """
    low, high = _range(image)
    if not low < high:
        return FLAT
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
def lay_out(image: Any, ny: int, nx: int, plane: Any, pitch: int, upsample: bool) -> None:
    """Copy the image to the rows of a plane of (ny, nx), doubled or as it is."""
    if upsample:
        double(image, ny // 2, nx // 2, plane, pitch)
    else:
        for y in range(ny):
            for x in range(nx):
                plane[y * pitch + x] = image[y * nx + x]
