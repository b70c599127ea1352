"""Quantities of every plane of prepared pixels: light, detection image, segments."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.segmentation import find_source
from galfeat.features.shape.quantities import BIT
from galfeat.features.shape.stages.plane import measure_plane
from galfeat.features.shape.statistics.colors import pair_colors

__all__ = ["combine_light", "measure_images", "undo_stretch"]

_FAINT_COLOR = BIT["faint_color"]
_LOG2_E, _LN2_HIGH, _LN2_LOW = 1.4426950408889634, 0.693359375, -2.1219444e-4
_BRIGHTEST = 60.0  # asinh of 5e25 noise sigmas: larger values are not physical
_LARGEST = 1e30  # linear light beyond has no squares in single precision
_SERIES = 0.4  # below which the difference of exponentials loses digits


@kernel()
def undo_stretch(pixels: Any, asinh: Any, light: Any, good: Any) -> None:
    """Fill ``light`` with linear light, zero on bad pixels, and ``good`` with 1 on good ones.

    Parameters
    ----------
    pixels : array of float32, shape (n,)
        Bad ones are not finite.
    asinh : bool
        Whether they are asinh(light); its inverse is as exact as single precision.
    light, good : array of float32, shape (n,)
    """
    one, none = np.float32(1), np.float32(0)
    for i in range(len(pixels)):
        value = pixels[i]
        fine = abs(value) < np.float32(np.inf)
        good[i] = one if fine else none
        light[i] = value if fine else none
    if not asinh:
        most = np.float32(_LARGEST)
        for i in range(len(light)):
            light[i] = min(most, max(-most, light[i]))
        return
    powers = np.empty(len(pixels), np.int32)
    for i in range(len(light)):
        size = min(abs(light[i]), np.float32(_BRIGHTEST))
        powers[i] = np.int32(size * np.float32(_LOG2_E) + np.float32(0.5))
    scales = powers.view(np.float32)
    for i in range(len(light)):
        size = min(abs(light[i]), np.float32(_BRIGHTEST))
        k = np.float32(powers[i])
        x = size - k * np.float32(_LN2_HIGH) - k * np.float32(_LN2_LOW)
        powers[i] = (powers[i] + np.int32(127)) << np.int32(23)  # the bits of a power of two
        tail = np.float32(1 / 120) + x * (np.float32(1 / 720) + x * np.float32(1 / 5040))
        tail = np.float32(1 / 6) + x * (np.float32(1 / 24) + x * tail)
        grown = (one + x * (one + x * (np.float32(0.5) + x * tail))) * scales[i]
        square = size * size
        few = size * (one + square * (np.float32(1 / 6) + square * np.float32(1 / 120)))
        far = np.float32(0.5) * (grown - one / grown)
        found = few if size < np.float32(_SERIES) else far
        light[i] = found if light[i] >= none else -found


@kernel()
def combine_light(light: Any, good: Any, together: Any, any_good: Any) -> None:
    """Fill the detection image: the sum of good bands over the root of their number."""
    bands, ny, nx = light.shape
    for y in range(ny):
        for x in range(nx):
            total, count = 0.0, 0.0
            for band in range(bands):
                total += light[band, y, x]
                count += good[band, y, x]
            together[y, x] = total / math.sqrt(count) if count > 0 else 0.0
            any_good[y, x] = 1 if count > 0 else 0


@kernel(closed=True)
def measure_images(
    images: Any,
    asinh: Any,
    given: Any,
    threshold: Any,
    outlier: Any,
    small: Any,
    sersic: Any,
    details: Any,
    values: Any,
    colors: Any,
    flags: Any,
    segments: Any,
) -> None:
    """Measure every plane of images.

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx)
    asinh : bool
        See `undo_stretch`.
    given : bool
        Whether ``segments`` is given; else the source is found on the detection image.
    threshold : float
        See `galfeat.features.shape.images.segmentation.find_source`.
    outlier, small, sersic, details
        See `galfeat.features.shape.stages.plane.measure_plane`.
    values : array of float64, shape (n, planes, quantities)
        Planes are the bands, after the detection image if there are several bands.
    colors : array of float64, shape (n, bands - 1, colors)
        See `galfeat.features.shape.statistics.colors.pair_colors`; NaN where nothing was measured.
    flags : array of int64, shape (n, planes)
    segments : array of uint8, shape (n, ny, nx)
    """
    n, bands, ny, nx = images.shape
    light = np.empty((bands, ny, nx), np.float32)
    good = np.empty((bands, ny, nx), np.float32)
    together, any_good = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    for row in range(n):
        for band in range(bands):
            undo_stretch(images[row, band].ravel(), asinh, light[band].ravel(), good[band].ravel())
        if bands == 1:
            together, any_good = light[0], good[0]
        else:
            combine_light(light, good, together, any_good)
        if not given:
            find_source(together, any_good, threshold, segments[row])
        plane = 0
        if bands > 1:
            flags[row, 0] = measure_plane(
                together, any_good, segments[row], outlier, small, sersic, details, values[row, 0]
            )
            plane = 1
        for band in range(bands):
            flags[row, plane + band] = measure_plane(
                light[band],
                good[band],
                segments[row],
                outlier,
                small,
                sersic,
                details,
                values[row, plane + band],
            )
        if details:
            for band in range(bands - 1):
                missing = pair_colors(
                    light[band],
                    light[band + 1],
                    good[band],
                    good[band + 1],
                    segments[row],
                    values[row, 0],
                    colors[row, band],
                )
                if missing:
                    flags[row, 0] |= _FAINT_COLOR
