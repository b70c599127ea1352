"""The columns of photometry: names, units, UCDs, and the flags."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from galfeat.features.scalars import Scalar

__all__ = ["BAD", "FLAGS", "NOTES", "flag_bits", "scalars_of"]

FLAGS = {
    "no_source": (2, "no source stands out of the noise near the center"),
    "no_petrosian_radius": (2, "the light does not fall to the Petrosian level in the image"),
    "no_kron_radius": (2, "the light within the reach of the Kron radius is not positive"),
    "center_masked": (2, "the center is a bad pixel in a band"),
    "aperture_cut": (1, "more than a twentieth of an aperture lies outside or on bad pixels"),
    "pixels_filled": (1, "bad pixels or other sources in an aperture took the light opposite"),
    "at_edge": (1, "the source is cut by the edge of the image"),
    "no_sky": (2, "fewer than 64 pixels of sky: neither its level nor its noise is known"),
    "no_zero_point": (0, "the flux unit of a band is not known: it has no magnitude or color"),
    "faint_color": (0, "too few rings are clear of the noise for a color gradient"),
    "not_linear": (2, "the pixels are magnitudes or those of a picture, not linear in flux"),
    "other_unit": (1, "a band is in another unit than the column of its fluxes says"),
}
"""What may be wrong, in the order of the bits: 2 bad, 1 suspect, 0 no more than a gap; and why."""

BAD = sum(1 << bit for bit, (grade, _) in enumerate(FLAGS.values()) if grade == 2)
"""The bits that make photometry bad."""
NOTES = sum(1 << bit for bit, (grade, _) in enumerate(FLAGS.values()) if grade == 0)
"""The bits that make it neither bad nor suspect."""


def flag_bits(names: set[str]) -> int:
    """Return flags as a number."""
    return sum(1 << bit for bit, name in enumerate(FLAGS) if name in names)


def scalars_of(
    bands: Sequence[str],
    apertures: Sequence[float],
    pixel_units: Sequence[str] = (),
    flux_units: Sequence[str] = (),
    *,
    repeats: bool = True,
) -> tuple[Scalar, ...]:
    """Return the columns for those bands and apertures.

    `pixel_units` and `flux_units` are those of each band's pixels and of their sums, where they are
    known. Without `repeats`, repeated exposures, the geometry of the source has no errors.
    """
    found = list(_geometry_scalars(repeats))
    none = ("",) * len(bands)
    for band, pixel, flux in zip(bands, pixel_units or none, flux_units or none, strict=True):
        found += _band_scalars(band, apertures, pixel, flux)
    for one, two in pairwise(bands):
        found += [
            Scalar(f"{one}_{two}_color", "mag", "phot.color", "within r_petro, matched"),
            Scalar(f"{one}_{two}_gradient", "mag/dex", "phot.color", "of the color, by radius"),
        ]
    return tuple(found)


def _geometry_scalars(repeats: bool) -> Iterator[Scalar]:
    bits = ", ".join(f"{1 << bit} {name}" for bit, name in enumerate(FLAGS))
    for name, unit, ucd, about in (
        ("x", "pix", "pos.cartesian.x;instr.det", "column of the centroid, from 0"),
        ("y", "pix", "pos.cartesian.y;instr.det", "row of the centroid, from 0"),
        ("ellipticity", "", "src.ellipticity", "1 - b / a of the second moments"),
        ("orientation", "rad", "pos.posAng", "of the major axis from the x axis"),
        ("r_petro", "pix", "phys.angSize", "elliptical Petrosian radius"),
        ("r_kron", "pix", "phys.angSize", "elliptical Kron radius"),
        ("r_petro_arcsec", "arcsec", "phys.angSize", "elliptical Petrosian radius"),
        ("r_kron_arcsec", "arcsec", "phys.angSize", "elliptical Kron radius"),
    ):
        yield Scalar(name, unit, ucd, about, False, repeats)
    yield Scalar("flags", "", "meta.code", bits, False, False)
    yield Scalar("quality", "", "meta.code.qual", "0 good, 1 suspect, 2 bad", False, False)


def _band_scalars(band: str, apertures: Sequence[float], pixel: str, flux: str) -> Iterator[Scalar]:
    sky = "instr.skyLevel"
    zero = "magnitude of a flux of 1, by the header"
    yield Scalar(f"{band}_zero_point", "mag", "phot.mag;arith.zp", zero, False, False)
    yield Scalar(f"{band}_sky", pixel, sky, "sky of a pixel, in its unit", False)
    noise = "noise of a pixel of sky, in its unit"
    yield Scalar(f"{band}_sky_sigma", pixel, f"stat.stdev;{sky}", noise, False, False)
    yield Scalar(f"{band}_flux_petro", flux, "phot.flux", "within 2 r_petro", False)
    yield Scalar(f"{band}_flux_kron", flux, "phot.flux", "within 2.5 r_kron", False)
    for k, part in enumerate(apertures, 1):
        about = f"within {part:g} r_petro"
        yield Scalar(f"{band}_flux_aper{k}", flux, "phot.flux", about, False)
    yield Scalar(f"{band}_mag_petro", "mag", "phot.mag", "asinh magnitude of flux_petro", False)
    yield Scalar(f"{band}_mag_kron", "mag", "phot.mag", "asinh magnitude of flux_kron", False)
    about = "softening of the asinh magnitudes"
    yield Scalar(f"{band}_softening", flux, "phot.flux", about, False, False)
