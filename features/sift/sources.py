"""The galaxy, its neighbors and the sky, found as `galfeat.features.Shape` finds them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.segmentation import find_source
from galfeat.features.shape.planes import combine_light, undo_stretch

__all__ = ["find_sources"]

_THRESHOLD = 3.0  # standard deviations of the smoothed sky, the default of the shape


def find_sources(
    images: NDArray[np.float32], stretch: str
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return segmentation maps, and what the stretch leaves of the noise where there is light.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
        Bad pixels are not finite.
    stretch : {"asinh", "linear"}
        Pixels are asinh(light), or light, in units of the noise.

    Returns
    -------
    segments : array of uint8, shape (n, ny, nx)
        `SKY`, `SOURCE` and `NEIGHBOR` of `galfeat.features.shape.images.segmentation`.
    dimming : array of float32, shape (n, ny, nx)
        Noise of a pixel of the mean of the bands over that of the sky, the noise of the light being
        that of the sky everywhere: 1 without a stretch, and 1 over the light where it is bright.
        1 in holes.
    """
    n, _, ny, nx = images.shape
    segments = np.empty((n, ny, nx), dtype=np.uint8)
    dimming = np.ones((n, ny, nx), dtype=np.float32)
    pixels = images.view()
    pixels.flags.writeable = False  # one compiled version, whatever the caller's array allows
    _find(pixels, stretch == "asinh", segments, dimming)
    return segments, dimming


@kernel()
def _find(images: Any, asinh: Any, segments: Any, dimming: Any) -> None:
    n, bands, ny, nx = images.shape
    light, good = np.empty((bands, ny, nx), np.float32), np.empty((bands, ny, nx), np.float32)
    together, any_good = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    for row in range(n):
        for band in range(bands):
            undo_stretch(images[row, band].ravel(), asinh, light[band].ravel(), good[band].ravel())
        combine_light(light, good, together, any_good)
        find_source(together, any_good, _THRESHOLD, segments[row])
        if not asinh:
            continue
        for y in range(ny):
            for x in range(nx):
                total, count = 0.0, 0.0
                for band in range(bands):
                    # the derivative of asinh, squared
                    total += good[band, y, x] / (1 + light[band, y, x] ** 2)
                    count += good[band, y, x]
                if count:
                    dimming[row, y, x] = math.sqrt(total / count)
