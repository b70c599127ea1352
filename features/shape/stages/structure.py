"""Gini, M20, and multimode, intensity and deviation."""

from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.segmentation import source_bounds
from galfeat.features.shape.images.sorting import sort_ascending
from galfeat.features.shape.quantities import BIT, INDEX
from galfeat.features.shape.statistics.gini_m20 import gini, m20, petrosian_segment, pixels_in
from galfeat.features.shape.statistics.mid import (
    MARGIN,
    intensity_and_deviation,
    mid_segment,
    multimode,
    ordered_pixels,
    those_in,
)

__all__ = ["measure_structure"]

_OVERLAP = 0.25  # of the larger of the segments of Gini and MID

_ODD_SEGMENT = BIT["odd_segment"]
_SEVERAL = BIT["several_segments"]
_ODD_LIGHT = BIT["odd_light"]
_DIFFER = BIT["segments_differ"]
_NO_MID = BIT["no_mid_segment"]
_FAINT_MASK = BIT["faint_mask"]
_PETROSIAN = INDEX["r_petro_circ"]
_GINI = INDEX["gini"]
_M = INDEX["multimode"]
_SN = INDEX["sn_per_pixel"]


@kernel()
def measure_structure(image: Any, whole: Any, segment: Any, shape: Any, unit: Any, out: Any) -> Any:
    """Measure Gini, M20, and multimode, intensity and deviation."""
    ny, nx = image.shape
    flags, region_count = 0, 0
    region = np.zeros((ny, nx), np.uint8)
    if out[_PETROSIAN + 1] > 0:
        region_count, trouble = petrosian_segment(image, shape, out[_PETROSIAN + 1], region)
        if trouble == 2:
            flags |= _ODD_SEGMENT
        if trouble == 1:
            flags |= _SEVERAL
    if region_count:
        values, columns, rows = pixels_in(image, region, region_count)
        ordered = sort_ascending(values)
        out[_GINI], out[_GINI + 1] = gini(ordered), m20(values, columns, rows, ordered)
        out[_GINI + 2] = -0.693 * out[_GINI + 1] + 4.95 * out[_GINI] - 3.96
        out[_GINI + 3] = 0.139 * out[_GINI + 1] + 0.990 * out[_GINI] - 0.327
        out[_SN] = _mean_of_positive(image, region, whole) * unit
        if not (out[_GINI + 1] <= 0 and out[_GINI] >= 0):
            flags |= _ODD_LIGHT
    top, bottom, left, right = _around(segment)
    near = image[top:bottom, left:right].copy()
    source, inside = segment[top:bottom, left:right].copy(), region[top:bottom, left:right]
    clump = np.zeros(near.shape, np.uint8)
    light = ordered_pixels(near, source)
    clump_count, trouble = mid_segment(light, clump)
    if trouble:
        flags |= _FAINT_MASK
    pixels, overlap = 0, region_count
    if clump_count == 0:
        flags |= _NO_MID
        clump[:] = inside
        clump_count = region_count
    else:
        overlap = _overlap(clump, inside)
    if clump_count == 0:
        return flags
    for y in range(bottom - top):
        for x in range(right - left):
            clump[y, x] &= source[y, x]
            pixels += source[y, x]
    out[_M] = multimode(those_in(light, clump), clump.shape, pixels)
    out[_M + 1], out[_M + 2] = intensity_and_deviation(near, clump, clump_count)
    if overlap < _OVERLAP * max(region_count, clump_count):
        flags |= _DIFFER
    return flags


@kernel()
def _around(segment: Any) -> Any:
    """Return the rows and columns around the source that the statistics of MID look at."""
    ny, nx = segment.shape
    top, bottom, left, right = source_bounds(segment)
    top, bottom = max(0, top - MARGIN), min(ny, bottom + MARGIN)
    return top, bottom, max(0, left - MARGIN), min(nx, right + MARGIN)


@kernel()
def _overlap(one: Any, two: Any) -> Any:
    ny, nx = one.shape
    count = 0
    for y in range(ny):
        for x in range(nx):
            count += one[y, x] & two[y, x]
    return count


@kernel()
def _mean_of_positive(image: Any, region: Any, whole: Any) -> Any:
    ny, nx = image.shape
    total, count = 0.0, 0.0
    for y in range(ny):
        light, some = np.float32(0), np.float32(0)
        for x in range(nx):
            counts = (region[y, x] > 0) & (whole[y, x] > 0) & (image[y, x] >= 0)
            light += image[y, x] if counts else np.float32(0)
            some += np.float32(1) if counts else np.float32(0)
        total += np.float64(light)
        count += np.float64(some)
    return total / count if count else np.nan
