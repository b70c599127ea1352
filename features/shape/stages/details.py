"""Area, brightness, fine structure and rings of a source."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.quantities import BIT, INDEX
from galfeat.features.shape.statistics.clumps import clump_fraction, quarter_asymmetry, roughness
from galfeat.features.shape.statistics.rings import ring_statistics

__all__ = ["measure_details"]


_EMPTY_RING = BIT["empty_ring"]
_PETROSIAN = INDEX["r_petro_circ"]
_AREA = INDEX["log_area"]
_CLUMPS = INDEX["clump_fraction"]
_RING = INDEX["ring1_brightness"]


@kernel()
def measure_details(
    image: Any, whole: Any, segment: Any, ellipse: Any, size: Any, unit: Any, sky: Any, out: Any
) -> Any:
    """Measure area, brightness, fine structure and rings."""
    ny, nx = image.shape
    xc, yc, ratio, theta = ellipse
    count, total, peak = 0, 0.0, -np.inf
    for y in range(ny):
        for x in range(nx):
            if segment[y, x]:
                count += 1
                total += image[y, x]
                peak = max(peak, image[y, x])
    out[_AREA] = math.log10(count)
    out[_AREA + 1], out[_AREA + 2] = math.asinh(total / count * unit), math.asinh(peak * unit)
    if out[_PETROSIAN] > 0:
        out[_CLUMPS] = clump_fraction(image, xc, yc, out[_PETROSIAN], 1 / unit)
    out[_CLUMPS + 1] = quarter_asymmetry(image, whole, segment, xc, yc, sky)
    for scale in range(3):
        out[_CLUMPS + 2 + scale] = roughness(image, segment, 2.0**scale)
    if not size > 0:
        return _EMPTY_RING
    ring_statistics(image, whole, (xc, yc, ratio, theta), size, unit, out[_RING:])
    for k in range(_RING, len(out)):
        if out[k] != out[k]:
            return _EMPTY_RING
    return 0
