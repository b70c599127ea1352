"""Names, units and definitions of the quantities of shape, and the flags."""

from typing import NamedTuple

from galfeat.features.shape.statistics.rings import COLOR_EDGES, EDGES, PROFILE_EDGES, WAVES

__all__ = [
    "BAD",
    "BIT",
    "COLORS",
    "DETAILS",
    "FLAGS",
    "INDEX",
    "NAMES",
    "NOTES",
    "QUANTITIES",
    "SERSIC",
    "Flag",
    "Quantity",
]

_RADIUS, _FLUX = "phys.angSize", "phot.flux"


class Quantity(NamedTuple):
    """One measured quantity.

    Parameters
    ----------
    name : str
    unit : str
        In the form of `astropy.units`; empty for a pure number.
    feature : bool
        Whether it belongs into a feature vector. Positions and angles do not: they say where a
        galaxy lies, not what it looks like.
    definition : str
    ucd : str
        Unified Content Descriptor, version 1+, of the IVOA.
    """

    name: str
    unit: str
    feature: bool
    definition: str
    ucd: str = "src.morph.param"


class Flag(NamedTuple):
    """A problem that a measurement may have.

    Parameters
    ----------
    name : str
    bad : bool
        Whether the measurement is bad, not only suspect.
    reason : str
    note : bool
        Whether it says no more than that some number is missing: the others are as good as ever.
    """

    name: str
    bad: bool
    reason: str
    note: bool = False


QUANTITIES = (
    Quantity(
        "x_centroid",
        "pix",
        False,
        "column of the centroid of the source",
        "pos.cartesian.x;instr.det",
    ),
    Quantity(
        "y_centroid", "pix", False, "row of the centroid of the source", "pos.cartesian.y;instr.det"
    ),
    Quantity(
        "x_center",
        "pix",
        False,
        "column of the center of least asymmetry",
        "pos.cartesian.x;instr.det",
    ),
    Quantity(
        "y_center",
        "pix",
        False,
        "row of the center of least asymmetry",
        "pos.cartesian.y;instr.det",
    ),
    Quantity(
        "ellipticity",
        "",
        True,
        "1 - b / a of the second moments about the center",
        "src.ellipticity",
    ),
    Quantity(
        "elongation", "", True, "a / b of the second moments about the center", "src.ellipticity"
    ),
    Quantity("orientation", "rad", False, "angle of the major axis from the x axis", "pos.posAng"),
    Quantity("r_petro_circ", "pix", True, "Petrosian radius, circular, eta = 0.2", _RADIUS),
    Quantity("r_petro_ellip", "pix", True, "Petrosian radius, semi-major axis, eta = 0.2", _RADIUS),
    Quantity("r_half_circ", "pix", True, "radius of half of the light within r_max_circ", _RADIUS),
    Quantity(
        "r_half_ellip", "pix", True, "major semi-axis of half of the light in r_max_ellip", _RADIUS
    ),
    Quantity("r20", "pix", True, "radius of 20 % of the light within 1.5 r_petro_circ", _RADIUS),
    Quantity("r50", "pix", True, "radius of 50 % of the light within 1.5 r_petro_circ", _RADIUS),
    Quantity("r80", "pix", True, "radius of 80 % of the light within 1.5 r_petro_circ", _RADIUS),
    Quantity("r90", "pix", True, "radius of 90 % of the light within 1.5 r_petro_circ", _RADIUS),
    Quantity(
        "r_max_circ", "pix", True, "radius of the circle that holds the detection mask", _RADIUS
    ),
    Quantity(
        "r_max_ellip", "pix", True, "semi-major axis of the ellipse that holds that mask", _RADIUS
    ),
    Quantity("concentration", "", True, "5 log10(r80 / r20)"),
    Quantity("asymmetry", "", True, "rotational asymmetry within 1.5 r_petro_circ, less the sky's"),
    Quantity("asymmetry_matched_sky", "", True, "the same, the sky interpolated like the source"),
    Quantity("rms_asymmetry_squared", "", True, "asymmetry of squares, less the sky's variance"),
    Quantity("outer_asymmetry", "", True, "asymmetry between r_half_ellip and r_max_ellip"),
    Quantity("shape_asymmetry", "", True, "asymmetry of the detection mask"),
    Quantity("smoothness", "", True, "light above the image averaged over r_petro_circ / 4"),
    Quantity("gini", "", True, "Gini coefficient of the Petrosian segment"),
    Quantity("m20", "", True, "log10 of the part of the second moment in the brightest 20 %"),
    Quantity("gini_m20_bulge", "", True, "-0.693 m20 + 4.95 gini - 3.96"),
    Quantity("gini_m20_merger", "", True, "0.139 m20 + 0.990 gini - 0.327"),
    Quantity("multimode", "", True, "area of the second region over the first, at the best level"),
    Quantity("intensity", "", True, "light of the second peak over that of the first"),
    Quantity("deviation", "", True, "distance of the brightest peak from the centroid"),
    Quantity(
        "sn_per_pixel",
        "",
        True,
        "mean light of positive pixels of the Petrosian segment",
        "stat.snr",
    ),
    Quantity("flux_circ", "", False, "light within 2 r_petro_circ, in units of the noise", _FLUX),
    Quantity("flux_ellip", "", False, "light within 2 r_petro_ellip, in units of the noise", _FLUX),
    Quantity(
        "sky_mean", "", False, "mean of the box of sky, in units of the noise", "instr.skyLevel"
    ),
    Quantity("sky_sigma", "", False, "standard deviation of it", "stat.stdev;instr.skyLevel"),
    Quantity("sersic_n", "", True, "Sersic index of the elliptical profile"),
    Quantity(
        "sersic_r_eff",
        "pix",
        True,
        "effective semi-major axis of that Sersic profile",
        "src.morph.scLength",
    ),
    Quantity("sersic_residual", "", True, "light that the Sersic profile leaves, over the light"),
    Quantity("nuclear_fraction", "", True, "light of a central point source, over flux_ellip"),
    Quantity("r_rms", "pix", True, "root mean square radius of the source's light", _RADIUS),
    Quantity("log_area", "", True, "log10 of the source's area in pixels"),
    Quantity("brightness", "", True, "asinh of the mean light of the source's pixels"),
    Quantity("peak", "", True, "asinh of the light of the source's brightest pixel"),
    Quantity("clump_fraction", "", True, "light of clumps, over the light"),
    Quantity("quarter_asymmetry", "", True, "asymmetry under a quarter turn, of the source"),
    Quantity("roughness1", "", True, "difference from a Gaussian average of 1 pixel, over light"),
    Quantity("roughness2", "", True, "difference from a Gaussian average of 2 pixels, over light"),
    Quantity("roughness4", "", True, "difference from a Gaussian average of 4 pixels, over light"),
    *(
        quantity
        for ring in range(1, len(EDGES))
        for quantity in (
            Quantity(f"ring{ring}_brightness", "", True, "asinh of the mean light of a ring"),
            Quantity(f"ring{ring}_scatter", "", True, "standard deviation in a ring, over mean"),
            *(
                Quantity(f"ring{ring}_wave{wave}", "", True, f"Fourier mode {wave} of a ring")
                for wave in range(1, WAVES + 1)
            ),
        )
    ),
)
"""Every quantity, in the order of the columns."""

COLORS = (
    Quantity("color", "mag", True, "within r_petro_ellip, units of the noise", "phot.color"),
    *(
        Quantity(f"color_profile{k}", "mag", True, "of an annulus, less color", "phot.color")
        for k in range(1, len(PROFILE_EDGES))
    ),
    *(
        Quantity(f"color_ring{k}", "", True, "difference of asinh of the mean light in a ring")
        for k in range(1, len(COLOR_EDGES))
    ),
    Quantity("color_scatter", "", True, "of the difference of asinh of the source's pixels"),
)
"""What is measured of each pair of adjacent bands."""

SERSIC = frozenset({"sersic_n", "sersic_r_eff", "sersic_residual", "nuclear_fraction"})
"""The quantities of the Sersic fit."""

NAMES = tuple(quantity.name for quantity in QUANTITIES)
INDEX = {name: i for i, name in enumerate(NAMES)}

DETAILS = frozenset({"r_rms", *NAMES[INDEX["log_area"] :]})
"""The quantities that the literature does not have, or not under that name."""

FLAGS = (
    Flag("no_source", True, "no source stands out of the noise near the center"),
    Flag("nonpositive_flux", True, "the light of the source is not positive"),
    Flag("center_masked", True, "the center is a bad pixel or belongs to another source"),
    Flag("no_petrosian_radius", True, "the light does not fall to the Petrosian level in it"),
    Flag("tiny_petrosian_radius", True, "the Petrosian radius is within the first pixel"),
    Flag("center_adrift", False, "the asymmetry has its minimum far from the centroid"),
    Flag("no_center", True, "no minimum of the asymmetry near the source; the centroid is used"),
    Flag("no_sky", True, "no empty box of sky"),
    Flag("sky_offset", True, "the sky is further from zero than its deviation"),
    Flag("odd_moments", True, "a second moment of the source is not positive"),
    Flag("odd_segment", True, "the Petrosian segment is empty or the whole image"),
    Flag("several_segments", False, "the Petrosian segment has several parts"),
    Flag("odd_light", True, "the light in an aperture or segment is not positive"),
    Flag("segments_differ", False, "the segments of Gini and MID overlap by less than a quarter"),
    Flag("no_mid_segment", False, "MID has no segment of its own and uses that of Gini"),
    Flag("faint_mask", True, "the brightest pixel is within a sigma of the sky, or hard to place"),
    Flag("at_edge", False, "the source is cut by the edge of the image"),
    Flag("small", False, "half of the light is within a radius of the point spread"),
    Flag("no_sersic_fit", False, "the Sersic fit has not converged or is at a limit"),
    Flag("no_nuclear_fit", False, "the fit with a point source has not converged", note=True),
    Flag("empty_ring", False, "a ring has fewer than four good pixels", note=True),
    Flag("faint_color", False, "the light of a ring is within its noise in a band", note=True),
)
"""Every flag, in the order of its bits."""

BIT = {flag.name: 1 << bit for bit, flag in enumerate(FLAGS)}
"""The bit of each flag."""

BAD = sum(1 << bit for bit, flag in enumerate(FLAGS) if flag.bad)
"""The bits of flags that make a measurement bad."""

NOTES = sum(1 << bit for bit, flag in enumerate(FLAGS) if flag.note)
"""The bits of flags that make it neither bad nor suspect."""
