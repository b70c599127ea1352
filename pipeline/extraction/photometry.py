"""Photometry of cutouts for a feature table: linear pixels with their calibration, and units.

The pixels are those that were read, before any preparation.
"""

from collections.abc import Sequence
from dataclasses import replace

from galfeat.data import Cutout
from galfeat.data.grids.pixel_scale import pixel_scale
from galfeat.data.units import is_magnitude, pixel_unit, same_unit, summed_unit
from galfeat.features import Photometry
from galfeat.features.photometry import LinearImage, calibration
from galfeat.features.scalars import Scalar, ScalarTable

__all__ = ["linear_image", "measure_photometry", "photometry_scalars"]


def photometry_scalars(
    photometry: Photometry, bands: Sequence[str], units: Sequence[str]
) -> tuple[Scalar, ...]:
    """Return the columns of photometry, with the units of the fluxes.

    Parameters
    ----------
    photometry : Photometry
    bands : sequence of str
    units : sequence of str
        Unit of the pixels of each band; empty where galaxies have different ones or none.
    """
    return photometry.scalars(
        bands,
        pixel_units=tuple(pixel_unit(unit) for unit in units),
        flux_units=tuple(summed_unit(unit) for unit in units),
    )


def measure_photometry(
    cutouts: Sequence[Cutout],
    photometry: Photometry,
    bands: Sequence[str],
    units: Sequence[str],
) -> ScalarTable:
    """Measure the fluxes of cutouts with their errors.

    Parameters
    ----------
    cutouts : sequence of Cutout
        With these bands, as they were read.
    photometry, bands, units
        As for `photometry_scalars`.
    """
    images = [linear_image(cutout, units) for cutout in cutouts]
    table = photometry.measure_scalars(images, bands=bands)
    return replace(table, scalars=photometry_scalars(photometry, bands, units))


def linear_image(cutout: Cutout, units: Sequence[str] = ()) -> LinearImage:
    """Return the pixels of a cutout with noise, zero points and pixel scale.

    Parameters
    ----------
    cutout : Cutout
        As it was read.
    units : sequence of str
        Unit of each band that the columns of fluxes have.
    """
    none = ("",) * len(cutout.bands)
    stated, expected = cutout.units or none, units or none
    headers = cutout.keywords or tuple({"BUNIT": unit} for unit in stated)
    flags = []
    if cutout.picture or any(map(is_magnitude, stated)):
        flags.append("not_linear")
    if not all(same_unit(*both) for both in zip(stated, expected, strict=True)):
        flags.append("other_unit")
    return LinearImage(
        cutout.pixels,
        cutout.noise,
        tuple(calibration(header).zero_point for header in headers),
        stated,
        pixel_scale(cutout),
        tuple(flags),
    )
