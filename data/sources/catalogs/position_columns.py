"""Names of columns of positions, by the conventions of surveys, archives and programs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Column", "PositionColumns", "find_columns"]

# The first pair of which both are there counts. Names are compared in small letters, and a unit in
# a name (ra_rad, "dec [deg]") is taken off first.
_EQUATORIAL = (
    ("ra", "dec"),  # Gaia, SDSS, DESI, Legacy Surveys, photutils
    ("right_ascension", "declination"),  # Euclid
    ("coord_ra", "coord_dec"),  # Rubin, Hyper Suprime-Cam
    ("target_ra", "target_dec"),  # DESI
    ("ramean", "decmean"),  # Pan-STARRS
    ("rastack", "decstack"),
    ("plug_ra", "plug_dec"),  # SDSS
    ("alphawin_j2000", "deltawin_j2000"),  # SExtractor
    ("alpha_j2000", "delta_j2000"),
    ("alphawin_sky", "deltawin_sky"),
    ("alpha_sky", "delta_sky"),
    ("alphapsf_j2000", "deltapsf_j2000"),
    ("alphamodel_j2000", "deltamodel_j2000"),
    ("alphapeak_j2000", "deltapeak_j2000"),
    ("raj2000", "dej2000"),  # VizieR
    ("_raj2000", "_dej2000"),
    ("raj2000", "decj2000"),
    ("ra_j2000", "dec_j2000"),
    ("ra_icrs", "de_icrs"),
    ("_ra_icrs", "_de_icrs"),
    ("_ra.icrs", "_de.icrs"),
    ("ra_icrs", "dec_icrs"),
    ("_ra", "_de"),
    ("ra", "de"),
    ("s_ra", "s_dec"),  # ObsCore
    ("rightascension", "declination"),
    ("alpha", "delta"),
    ("sky_centroid.ra", "sky_centroid.dec"),  # photutils, as astropy writes coordinates
    ("sky_centroid_icrs.ra", "sky_centroid_icrs.dec"),
)
_B1950 = (
    ("rab1950", "deb1950"),
    ("_rab1950", "_deb1950"),
    ("ra_b1950", "dec_b1950"),
    ("alphawin_b1950", "deltawin_b1950"),
    ("alpha_b1950", "delta_b1950"),
)
_GALACTIC = (("glon", "glat"), ("_glon", "_glat"), ("gal_lon", "gal_lat"), ("l", "b"))
# and the coordinate of the center of the first pixel
_PIXELS = {
    ("x", "y"): 0,
    ("xcentroid", "ycentroid"): 0,
    ("x_centroid", "y_centroid"): 0,
    ("xwin_image", "ywin_image"): 1,
    ("x_image", "y_image"): 1,
}
_BRACKETS = re.compile(r"(.+?)[ _]*[\[(]\s*([^\])]+?)\s*[\])]")
_SUFFIX = re.compile(
    r"(.+?)_?((?<=_)(?:deg|degrees?|rad|radians?|hours?|hourangle|hrs?|hms|dms|arcsec|arcmin|mas)"
    r"|(?<=ra|de)deg|(?<=dec)deg)"
)
# what stands in brackets in place of a unit, and is taken as given
_DEFAULTS = ("j2000", "j2000.0", "icrs")


@dataclass(frozen=True)
class Column:
    """A column of positions.

    Parameters
    ----------
    name : str
    unit : str
        Unit in its name; empty if there is none.
    """

    name: str
    unit: str = ""


@dataclass(frozen=True)
class PositionColumns:
    """The two columns of positions of a catalog.

    Parameters
    ----------
    first, second : Column
        Longitude and latitude, or x and y.
    frame : {"", "icrs", "fk4", "galactic", "pixels"}
        What their names say; empty: equatorial, of the frame that the file states.
    origin : int
        Coordinate of the center of the first pixel.
    """

    first: Column
    second: Column
    frame: str = ""
    origin: int = 0


def find_columns(names: Sequence[str]) -> PositionColumns | None:
    """Return the columns of positions among some names; None if there are none.

    On the sky before pixels, equatorial before galactic coordinates, in the order of the lists
    above; names without a unit before names with one. Coordinates of astropy, ``NAME.ra`` and
    ``NAME.dec``, of any name count if there is one pair of them.

    Raises
    ------
    ValueError
        If it is not clear which columns are meant.
    """
    plain, with_unit = _by_name(names)

    def column(name: str) -> Column | None:
        return _choose(plain.get(name) or with_unit.get(name) or [], name)

    for pairs, frame in ((_EQUATORIAL, ""), (_B1950, "fk4"), (_GALACTIC, "galactic")):
        for pair in pairs:
            if not all(name in plain or name in with_unit for name in pair):
                continue
            first, second = column(pair[0]), column(pair[1])
            if first and second:
                return PositionColumns(first, second, "icrs" if "icrs" in pair[0] else frame)
    found = _coordinates(plain)
    if found:
        return found
    for pair, origin in _PIXELS.items():
        first, second = column(pair[0]), column(pair[1])
        if first and second:
            return PositionColumns(first, second, "pixels", origin)
    return None


def _coordinates(plain: dict[str, list[Column]]) -> PositionColumns | None:
    """Return the columns of the one pair of coordinates that astropy wrote; None if none is there.

    Raises
    ------
    ValueError
        If there are several.
    """
    for axes, frame in (((".ra", ".dec"), ""), ((".l", ".b"), "galactic")):
        found = [name for name in plain if _has_both(name, axes, plain)]
        if len(found) > 1:
            raise ValueError(
                f"the coordinates {', '.join(found)} are there, and nothing says which are meant: "
                "rename those two columns to 'ra' and 'dec'"
            )
        if found:
            stem = found[0].removesuffix(axes[0])
            first, second = (plain[stem + axis][0] for axis in axes)
            return PositionColumns(first, second, frame)
    return None


def _has_both(name: str, axes: tuple[str, str], plain: dict[str, list[Column]]) -> bool:
    return name.endswith(axes[0]) and name.removesuffix(axes[0]) + axes[1] in plain


def _choose(found: Sequence[Column], name: str) -> Column | None:
    """Return one of several columns of a name: that in degrees, or that in small letters."""
    if len(found) > 1:
        found = [
            each for each in found if each.name == name or each.unit.startswith("deg")
        ] or found
    if len(found) > 1:
        listed = " and ".join(f"'{each.name}'" for each in found)
        raise ValueError(f"the columns {listed} are both called {name}: rename one")
    return found[0] if found else None


def _by_name(
    names: Sequence[str],
) -> tuple[dict[str, list[Column]], dict[str, list[Column]]]:
    """Return columns by their names in small letters, and by these without a unit."""
    plain: dict[str, list[Column]] = {}
    with_unit: dict[str, list[Column]] = {}
    for name in names:
        lower = name.strip().lower()
        plain.setdefault(lower, []).append(Column(name))
        found = _BRACKETS.fullmatch(lower) or _SUFFIX.fullmatch(lower)
        if found:
            unit = "" if found[2] in _DEFAULTS else found[2]
            with_unit.setdefault(found[1].rstrip("_ "), []).append(Column(name, unit))
    return plain, with_unit
