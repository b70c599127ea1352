"""The zero point that a FITS header states: which keywords tell what a pixel's flux is."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["AB_JANSKY", "Calibration", "calibration"]

AB_JANSKY = 3631.0
"""Flux density of AB magnitude 0, jansky (Oke and Gunn 1983, doi:10.1086/160817)."""

_SPEED_OF_LIGHT = 2.99792458e18  # angstrom a second
_CGS = 1e23  # jansky in erg / (s cm2 Hz)
_PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "micro": 1e-6, "n": 1e-9, "k": 1e3, "M": 1e6}
_NANOMAGGY = re.compile(r"(nano\s?magg(y|ies)|nmgy|nmgys)([ /*.]*(pix|pixel)(\^?-1)?)?")
_JANSKY = re.compile(r"(|[munkM]|µ|micro)(Jy|jy|JY|jansky)([ /*.]*(pix|pixel)(\^?-1)?)?")
_SURFACE = re.compile(r"MJy\s*([/*. ]\s*sr(\^?-1)?)")
_COUNT = r"(count|ct|adu|dn|electron|e-|elec|photon|ph)s?"
_COUNTS = re.compile(rf"{_COUNT}([ /*.]*(pix|pixel)s?(\^?-1)?)?")
_RATE = re.compile(rf"{_COUNT}([ /*.]*(pix|pixel)s?)?[ /*.]+(s|sec|second)(\^?\(?-1\)?)?")
_DN_RATE = re.compile(r"(dn|adu)s?[ /*.]+(s|sec|second)(\^?\(?-1\)?)?")


class Calibration(NamedTuple):
    """What a flux of 1 in the pixels' unit is.

    Parameters
    ----------
    zero_point : float or None
        Its magnitude; None where the header does not tell.
    system : str
        ``AB``, where the flux density is known; ``header``, the system of a keyword's zero point,
        which the header does not name; or empty.
    unit : str
        The unit that the header states.
    reason : str
        Which keywords were taken, or why there is no zero point.
    """

    zero_point: float | None
    system: str
    unit: str
    reason: str


def calibration(header: Mapping[str, object]) -> Calibration:
    """Return the zero point of an image from its header's keywords.

    ``BUNIT`` decides: nanomaggies; jansky with a prefix; MJy/sr times ``PIXAR_SR``; counts a second
    with ``PHOTFLAM`` and ``PHOTPLAM`` (counts too, with ``EXPTIME``); DN/s with ``PHOTMJSR`` and
    ``PIXAR_SR``; counts, or no unit, with ``MAGZP`` or ``PHOTZP``.

    Parameters
    ----------
    header : mapping of str to object
        Keywords in capitals, as `astropy.io.fits.Header` has them.

    Examples
    --------
    >>> calibration({"BUNIT": "nanomaggies"})
    Calibration(zero_point=22.5, system='AB', unit='nanomaggies', reason='BUNIT')
    >>> calibration({"BUNIT": "DN/s"}).reason
    'BUNIT is DN/s and there is no PHOTFLAM with PHOTPLAM and no PHOTMJSR with PIXAR_SR'
    """
    unit = str(header.get("BUNIT") or "").strip()
    low = unit.lower()
    if _NANOMAGGY.fullmatch(low):
        return Calibration(22.5, "AB", unit, "BUNIT")
    if match := _JANSKY.fullmatch(unit):
        return _of_jansky(_PREFIXES[match[1]], unit, "BUNIT")
    if _SURFACE.fullmatch(unit):
        area = _positive(header, "PIXAR_SR")
        if area is None:
            return _unknown(unit, f"BUNIT is {unit} and there is no PIXAR_SR, the area of a pixel")
        return _of_jansky(1e6 * area, unit, "BUNIT, PIXAR_SR")
    if _RATE.fullmatch(low):
        return _of_rate(header, unit, 1.0, _DN_RATE.fullmatch(low) is not None)
    if unit and not _COUNTS.fullmatch(low):
        return _unknown(unit, f"BUNIT is {unit}, which is no unit of flux that is known here")
    return _of_counts(header, unit)


def _of_counts(header: Mapping[str, object], unit: str) -> Calibration:
    for key in ("MAGZP", "PHOTZP"):
        value = _number(header, key)
        if value is not None:
            return Calibration(value, "header", unit, key)
    exposure = _positive(header, "EXPTIME")
    if unit and exposure is not None and _positive(header, "PHOTFLAM") is not None:
        return _of_rate(header, unit, 1 / exposure, False)
    stated = f"BUNIT is {unit}" if unit else "there is no BUNIT"
    return _unknown(unit, f"{stated} and there is no MAGZP or PHOTZP, the zero point")


def _of_rate(header: Mapping[str, object], unit: str, scale: float, dn: bool) -> Calibration:
    """Return the zero point of counts a second; ``scale`` is a count in counts a second."""
    flam, pivot = _positive(header, "PHOTFLAM"), _positive(header, "PHOTPLAM")
    if flam is not None and pivot is not None:
        jansky = scale * flam * pivot * pivot / _SPEED_OF_LIGHT * _CGS
        used = "PHOTFLAM, PHOTPLAM" + ("" if scale == 1 else ", EXPTIME")
        return _of_jansky(jansky, unit, used)
    surface, area = _positive(header, "PHOTMJSR"), _positive(header, "PIXAR_SR")
    if dn and scale == 1 and surface is not None and area is not None:
        return _of_jansky(1e6 * surface * area, unit, "PHOTMJSR, PIXAR_SR")
    return _unknown(
        unit,
        f"BUNIT is {unit} and there is no PHOTFLAM with PHOTPLAM"
        + (" and no PHOTMJSR with PIXAR_SR" if dn else ""),
    )


def _of_jansky(jansky: float, unit: str, used: str) -> Calibration:
    return Calibration(-2.5 * math.log10(jansky / AB_JANSKY), "AB", unit, used)


def _unknown(unit: str, reason: str) -> Calibration:
    return Calibration(None, "", unit, reason)


def _number(header: Mapping[str, object], key: str) -> float | None:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _positive(header: Mapping[str, object], key: str) -> float | None:
    number = _number(header, key)
    return number if number is not None and number > 0 else None
