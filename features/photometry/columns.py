"""The columns of photometry: names, units, UCDs, and the flags."""

from collections.abc import Sequence
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
}
"""What may be wrong, in the order of the bits: 2 bad, 1 suspect, 0 no more than a gap; and why."""

BAD = sum(1 << bit for bit, (grade, _) in enumerate(FLAGS.values()) if grade == 2)
"""The bits that make photometry bad."""
NOTES = sum(1 << bit for bit, (grade, _) in enumerate(FLAGS.values()) if grade == 0)
"""The bits that make it neither bad nor suspect."""


def flag_bits(names: set[str]) -> int:
    """Return flags as a number."""
    return sum(1 << bit for bit, name in enumerate(FLAGS) if name in names)


def scalars_of(bands: Sequence[str], apertures: Sequence[float]) -> tuple[Scalar, ...]:
    """Return the columns for those bands and apertures."""
    bits = ", ".join(f"{1 << bit} {name}" for bit, name in enumerate(FLAGS))
    found = [
        Scalar("x", "pix", "pos.cartesian.x;instr.det", "column of the centroid", False),
        Scalar("y", "pix", "pos.cartesian.y;instr.det", "row of the centroid", False),
        Scalar("ellipticity", "", "src.ellipticity", "1 - b / a of the second moments", False),
        Scalar("orientation", "rad", "pos.posAng", "of the major axis from the x axis", False),
        Scalar("r_petro", "pix", "phys.angSize", "elliptical Petrosian radius", False),
        Scalar("r_kron", "pix", "phys.angSize", "elliptical Kron radius", False),
        Scalar("r_petro_arcsec", "arcsec", "phys.angSize", "elliptical Petrosian radius", False),
        Scalar("r_kron_arcsec", "arcsec", "phys.angSize", "elliptical Kron radius", False),
        Scalar("flags", "", "meta.code", bits, False, False),
        Scalar("quality", "", "meta.code.qual", "0 good, 1 suspect, 2 bad", False, False),
    ]
    for band in bands:
        found += [
            Scalar(f"{band}_sky", "", "instr.skyLevel", "sky of a pixel, in its unit", False),
            Scalar(
                f"{band}_sky_sigma",
                "",
                "stat.stdev;instr.skyLevel",
                "noise of a pixel of sky, in its unit",
                False,
                False,
            ),
            Scalar(f"{band}_flux_petro", "", "phot.flux", "within 2 r_petro", False),
            Scalar(f"{band}_flux_kron", "", "phot.flux", "within 2.5 r_kron", False),
            *(
                Scalar(f"{band}_flux_aper{k}", "", "phot.flux", f"within {part:g} r_petro", False)
                for k, part in enumerate(apertures, 1)
            ),
            Scalar(f"{band}_mag_petro", "mag", "phot.mag", "asinh magnitude of flux_petro", False),
            Scalar(f"{band}_mag_kron", "mag", "phot.mag", "asinh magnitude of flux_kron", False),
            Scalar(
                f"{band}_softening",
                "",
                "phot.flux",
                "softening of the asinh magnitudes, in the pixels' unit",
                False,
                False,
            ),
        ]
    for one, two in pairwise(bands):
        found += [
            Scalar(f"{one}_{two}_color", "mag", "phot.color", "within r_petro, matched"),
            Scalar(f"{one}_{two}_gradient", "mag", "phot.color", "of the color, a dex of radius"),
        ]
    return tuple(found)
