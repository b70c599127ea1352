"""Where the light of a source is: center, radii, and the Sersic profile."""

import math
from typing import Any

import numpy as np

from galfeat.features.kernels.compiling import kernel
from galfeat.features.shape.images.apertures import ellipse_sums
from galfeat.features.shape.images.regions import brightest
from galfeat.features.shape.quantities import BIT, INDEX
from galfeat.features.shape.statistics.asymmetry import asymmetry_center
from galfeat.features.shape.statistics.petrosian import light_radii, petrosian_radius
from galfeat.features.shape.statistics.sersic import fit_sersic

__all__ = ["find_center", "measure_profile", "measure_radii"]

_APERTURE = 1.5  # radius of concentration, asymmetry and smoothness, in Petrosian radii
_TOTAL = 2.0  # radius of the light, in Petrosian radii
_DRIFT = 0.25  # Petrosian radii from the centroid at which the center is looked for elsewhere
_SIGMA_OF_HALF = 1 / math.sqrt(2 * math.log(2.0))  # of a Gaussian, over its half-light radius

_MASKED = BIT["center_masked"]
_NO_PETROSIAN = BIT["no_petrosian_radius"]
_TINY = BIT["tiny_petrosian_radius"]
_ADRIFT = BIT["center_adrift"]
_NO_CENTER = BIT["no_center"]
_ODD_LIGHT = BIT["odd_light"]
_SMALL = BIT["small"]
_NO_SERSIC = BIT["no_sersic_fit"]
_NO_NUCLEUS = BIT["no_nuclear_fit"]
_PETROSIAN = INDEX["r_petro_circ"]
_HALF = INDEX["r_half_circ"]
_R20 = INDEX["r20"]
_C = INDEX["concentration"]
_FLUX = INDEX["flux_circ"]
_SERSIC = INDEX["sersic_n"]
_NUCLEUS = INDEX["nuclear_fraction"]


@kernel()
def find_center(image: Any, turns: Any, segment: Any, start: Any, petrosian: Any, sky: Any) -> Any:
    """Return the center of least asymmetry, and flags."""
    x0, y0 = start
    nx = image.shape[1]
    aperture, far, flags = _APERTURE * petrosian, _DRIFT * petrosian, 0
    xc, yc, _ = asymmetry_center(turns, nx, x0, y0, aperture, sky)
    if math.hypot(xc - x0, yc - y0) > far:
        flags |= _ADRIFT
        row, column = _brightest_of(image, segment)
        x1, y1 = float(column), float(row)
        xc, yc, _ = asymmetry_center(turns, nx, x1, y1, aperture, sky)
        if math.hypot(xc - x1, yc - y1) > far:
            flags |= _NO_CENTER
            xc, yc = x0, y0
    if image[int(yc), int(xc)] == 0:
        flags |= _MASKED
    return xc, yc, flags


@kernel()
def _brightest_of(image: Any, segment: Any) -> Any:
    ny, nx = image.shape
    inside = np.zeros((ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            if segment[y, x]:
                inside[y, x] = image[y, x]
    return brightest(inside)


@kernel()
def measure_radii(
    sums: Any,
    room: Any,
    masked: Any,
    circle: Any,
    ellipse: Any,
    profiles: Any,
    small: Any,
    unit: Any,
    out: Any,
) -> Any:
    """Measure Petrosian radii, radii of parts of the light, concentration and fluxes."""
    flags = 0
    xc, yc, ratio, theta = ellipse
    grown, area, long_grown, long_area = profiles
    circular, problem = petrosian_radius(sums, room, masked, circle, grown, area)
    elliptical, other = petrosian_radius(sums, room, masked, ellipse, long_grown, long_area)
    if problem == 1 or other == 1:
        flags |= _NO_PETROSIAN
    if problem == 2 or other == 2:
        flags |= _TINY
    if problem == 0:
        out[_PETROSIAN] = circular
        parts = np.array((0.2, 0.5, 0.8, 0.9))
        found = out[_R20 : _R20 + 4]
        if not light_radii(sums, circle, _APERTURE * circular, parts, grown, found):
            flags |= _ODD_LIGHT
        out[_C] = 5 * math.log10(out[_R20 + 2] / out[_R20])
        if out[_R20 + 1] <= small:
            flags |= _SMALL
        far = _TOTAL * circular
        out[_FLUX] = abs(ellipse_sums(sums, sums, False, xc, yc, far, far, 0.0)[0]) * unit
    if other == 0:
        out[_PETROSIAN + 1] = elliptical
        far = _TOTAL * elliptical
        flux, _ = ellipse_sums(sums, sums, False, xc, yc, far, far * ratio, theta)
        out[_FLUX + 1] = abs(flux) * unit
    return flags


@kernel()
def measure_profile(image: Any, whole: Any, ellipse: Any, small: Any, unit: Any, out: Any) -> Any:
    """Fit a Sersic profile, then one with a point source in its middle."""
    long = out[_PETROSIAN + 1]
    start = out[_HALF + 1] if out[_HALF + 1] > 0 else 0.5 * long
    index = 10.0**-1.5 * out[_C] ** 3.5 if out[_C] > 0 else 1.0  # of the concentration, roughly
    index = min(max(index, 1.0), 3.5)
    n, radius, residual, fitted, _ = fit_sersic(
        image, whole, ellipse, _TOTAL * long, index, start, 0.0
    )
    if not fitted:
        return _NO_SERSIC
    out[_SERSIC], out[_SERSIC + 1], out[_SERSIC + 2] = n, radius, residual
    if not small > 0:
        return 0
    _, _, _, fitted, point = fit_sersic(
        image, whole, ellipse, _TOTAL * long, n, radius, small * _SIGMA_OF_HALF
    )
    if not (fitted and out[_FLUX + 1] > 0):
        return _NO_NUCLEUS
    out[_NUCLEUS] = point * unit / out[_FLUX + 1]
    return 0
