"""All quantities of one plane, in the order of their dependence."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.apertures import row_sums
from galfeat.features.shape.images.moments import ellipse_of, source_moments
from galfeat.features.shape.images.segmentation import stamp_bounds
from galfeat.features.shape.images.sky import find_box, sky_asymmetry, sky_smoothness
from galfeat.features.shape.images.stamp import cut_stamp, source_flags
from galfeat.features.shape.quantities import BIT, INDEX
from galfeat.features.shape.stages.details import measure_details
from galfeat.features.shape.stages.light import find_center, measure_profile, measure_radii
from galfeat.features.shape.stages.structure import measure_structure
from galfeat.features.shape.stages.turns import measure_asymmetries, measure_outskirts
from galfeat.features.shape.statistics.asymmetry import half_turns, turned_difference
from galfeat.features.shape.statistics.petrosian import coarse_profile, petrosian_radius
from galfeat.features.shape.statistics.smoothness import smoothing_side, smoothness

__all__ = ["measure_plane"]

_APERTURE = 1.5  # radius of concentration, asymmetry and smoothness, in Petrosian radii
_COARSE = 1.7  # radius of a profile of whole pixels, in first guesses of the Petrosian radius

_NO_SOURCE = BIT["no_source"]
_NONPOSITIVE = BIT["nonpositive_flux"]
_MASKED = BIT["center_masked"]
_NO_CENTER = BIT["no_center"]
_NO_SKY = BIT["no_sky"]
_OFFSET = BIT["sky_offset"]
_ODD_MOMENTS = BIT["odd_moments"]
_X0 = INDEX["x_centroid"]
_X = INDEX["x_center"]
_ELLIPTICITY = INDEX["ellipticity"]
_PETROSIAN = INDEX["r_petro_circ"]
_S = INDEX["smoothness"]
_SKY = INDEX["sky_mean"]
_SIZE = INDEX["r_rms"]


@kernel()
def measure_plane(
    light: Any,
    good: Any,
    segments: Any,
    outlier: Any,
    small: Any,
    sersic: Any,
    details: Any,
    out: Any,
) -> Any:
    """Fill ``out`` with the quantities of a plane, NaN where there is none, and return its flags.

    Parameters
    ----------
    light : array of float32, shape (ny, nx)
        Linear, in units of the noise; bad pixels are zero.
    good : array of float32, shape (ny, nx)
        1 on good pixels.
    segments : array of uint8, shape (ny, nx)
        See `galfeat.features.shape.images.segmentation`.
    outlier : float
        Standard deviations of its neighbors by which a pixel is bad; 0 lets all pass.
    small : float
        Half-light radius below which a source is no larger than the point spread, pixels.
    sersic : bool
        Whether to fit a Sersic profile.
    details : bool
        Whether to measure rings, roughness and clumps.
    out : array of float64, shape (quantities,)
    """
    out[:] = np.nan
    flags = source_flags(segments)
    if flags & _NO_SOURCE:
        return flags
    bounds = stamp_bounds(segments)
    image, whole, segment, empty, unit = cut_stamp(light, good, segments, bounds, outlier)
    ny, nx = image.shape
    moments = np.empty(6)
    source_moments(image, segment, moments)
    if not moments[0] > 0:
        return flags | _NONPOSITIVE
    x0, y0 = moments[1], moments[2]
    if not (0 <= x0 < nx and 0 <= y0 < ny):
        x0, y0 = nx / 2.0, ny / 2.0
        flags |= _NO_CENTER
    if image[int(y0), int(x0)] == 0:
        flags |= _MASKED
    out[_X0], out[_X0 + 1] = bounds[2] + x0, bounds[0] + y0

    box = find_box(empty)
    row, column, side = box
    sky = image[row : row + side, column : column + side]
    level, variance = _mean_and_variance(sky)
    absolute = 0.0
    if side == 0:
        flags |= _NO_SKY
    else:
        absolute = sky_asymmetry(sky)
        out[_SKY], out[_SKY + 1] = level * unit, math.sqrt(variance) * unit
        if level * level > variance:
            flags |= _OFFSET

    masked = _any_zero(whole)
    sums = np.empty((ny, nx + 1), np.float64)
    room = np.empty((ny, nx + 1) if masked else (1, 1), np.float64)
    row_sums(image, sums)
    if masked:
        row_sums(whole, room)
    size = math.sqrt(max(moments[3] + moments[5], 0.0))
    grown, area = coarse_profile(sums, room, masked, (x0, y0, 1.0, 0.0), _COARSE * size)
    first, _ = petrosian_radius(sums, room, masked, (x0, y0, 1.0, 0.0), grown, area)
    turns = half_turns(image, whole, masked, _APERTURE * first)
    xc, yc, found = find_center(image, turns, segment, (x0, y0), first, absolute)
    flags |= found
    out[_X], out[_X + 1] = bounds[2] + xc, bounds[0] + yc
    ratio, theta, odd = ellipse_of(moments, xc, yc)
    out[_ELLIPTICITY], out[_ELLIPTICITY + 1] = 1 - ratio, 1 / ratio
    out[_ELLIPTICITY + 2] = theta
    if odd:
        flags |= _ODD_MOMENTS

    circle, ellipse = (xc, yc, 1.0, 0.0), (xc, yc, ratio, theta)
    profiles = (
        *coarse_profile(sums, room, masked, circle, _COARSE * first),
        *coarse_profile(sums, room, masked, ellipse, _COARSE * first / math.sqrt(ratio)),
    )
    flags |= measure_radii(sums, room, masked, circle, ellipse, profiles, small, unit, out)
    halves = np.empty((3, ny, nx), np.float32)
    turned_difference(image, turns[2], whole, turns[3], xc, yc, halves)
    flags |= measure_asymmetries(image, halves, empty, (xc, yc), first, absolute, variance, out)
    if out[_PETROSIAN] > 0:
        side_of = smoothing_side(out[_PETROSIAN])
        rough = sky_smoothness(sky, side_of) if side else 0.0
        out[_S] = smoothness(image, sums, xc, yc, out[_PETROSIAN], rough)
    if out[_PETROSIAN + 1] > 0:
        flags |= measure_outskirts(
            image, whole, sums, halves, turns[3], ellipse, profiles, box, absolute, out
        )
    flags |= measure_structure(image, whole, segment, (x0, y0, ratio, theta), unit, out)
    if sersic and out[_PETROSIAN + 1] > 0:
        flags |= measure_profile(image, whole, ellipse, small if details else 0.0, unit, out)
    out[_SIZE] = size
    if details:
        flags |= measure_details(image, whole, segment, ellipse, size, unit, absolute, out)
    return flags


@kernel()
def _mean_and_variance(box: Any) -> Any:
    mean, variance = 0.0, 0.0
    ny, nx = box.shape
    for y in range(ny):
        for x in range(nx):
            mean += box[y, x]
    mean /= max(box.size, 1)
    for y in range(ny):
        for x in range(nx):
            variance += (box[y, x] - mean) ** 2
    return mean, variance / max(box.size, 1)


@kernel()
def _any_zero(image: Any) -> Any:
    ny, nx = image.shape
    total = 0.0
    for y in range(ny):
        for x in range(nx):
            total += image[y, x]
    return total < ny * nx
