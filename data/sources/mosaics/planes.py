"""Planes of mosaics: bands in FITS files, with their coordinates and ancillary planes."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from galfeat import CutoutError, UsageError
from galfeat.data.fits.ancillary.apply import NOISE_ROLES, bad_bits_of, noise_role
from galfeat.data.fits.ancillary.names import Role
from galfeat.data.fits.file import FitsFile, open_fits
from galfeat.data.fits.headers import Hdu
from galfeat.data.fits.image_info import calibration_keywords, coordinate_cards, unit_of
from galfeat.data.fits.intact_part import open_intact_part
from galfeat.data.fits.layouts import GalaxyImages, format_shape
from galfeat.data.fits.streams import Stamp
from galfeat.data.grids.wcs_cards import HEADER_ERRORS
from galfeat.data.sources.options import ReadOptions

__all__ = ["AncillaryMosaic", "MosaicPlane", "read_planes"]

# CRVAL1, CD1_2
_COORDINATE = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA|(?:CD|PC|PV)(?=[1-9]_))([1-9](?:_[0-9]{1,2})?)")


class AncillaryMosaic(NamedTuple):
    """A noise map, mask or segmentation map of one band of a mosaic, in the same file.

    Its role, its plane, and the data-quality bits that mark a bad pixel.
    """

    role: Role
    plane: "MosaicPlane"
    bits: int | None


@dataclass(frozen=True, eq=False)
class MosaicPlane:
    """One band of a mosaic.

    Parameters
    ----------
    path : Path
    file : str
        Its name in messages and tables.
    stamp : tuple of int
        Identifies the state of the file, so that changes are noticed.
    hdu : Hdu
    number : int
        Index on the third axis of a cube.
    band : str
    ancillary : tuple of AncillaryMosaic
    unit : str
        As its header states it; empty if it does not.
    keywords : mapping of str to str
        What its header states of its flux calibration.
    """

    path: Path
    file: str
    stamp: Stamp
    hdu: Hdu
    number: int
    band: str
    ancillary: tuple[AncillaryMosaic, ...] = ()
    unit: str = ""
    keywords: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def grid(self) -> bytes:
        """Header cards of its celestial coordinates."""
        return coordinate_cards(self.hdu.header)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ny, nx = self.hdu.shape[-2:]
        return ny, nx


def read_planes(path: Path, file: str, options: ReadOptions) -> list[tuple[MosaicPlane, Any]]:
    """Read the headers of a mosaic; return each plane with its WCS, or None without coordinates.

    Raises
    ------
    UsageError
        If the file cannot be read, holds several galaxies, or its coordinates make no sense.
    """
    try:
        with open_fits(path) as opened:
            if opened.packed:
                raise CutoutError(
                    "is packed, so that no part of it can be read by itself: unpack it first "
                    "(gunzip or bunzip2)"
                )
            galaxies = opened.galaxies(options.layout, extension=options.selectors)
            if len(galaxies) > 1:
                raise CutoutError(
                    f"holds {len(galaxies)} images, and nothing says that they are bands: choose "
                    "one by --extension, or say --layout bands"
                )
            [galaxy] = galaxies
            if galaxy.problem or galaxy.number is not None:
                raise CutoutError(galaxy.problem or "has more than three axes")
            hdus = [opened.hdus[number] for number in galaxy.hdus]
            numbered = (
                [(hdus[0], number) for number in range(len(galaxy.bands))]
                if len(hdus) == 1
                else [(hdu, 0) for hdu in hdus]
            )
            names = galaxy.bands if galaxy.named else ("",) * len(numbered)
            first, each = opened.hdus[0], len(numbered) // len(hdus)
            planes = [
                MosaicPlane(
                    *(path, file, opened.stamp, hdu, number, name, (), unit_of(hdu, first)),
                    calibration_keywords(hdu, first, each),
                )
                for (hdu, number), name in zip(numbered, names, strict=True)
            ]
            if options.companions:
                planes = [
                    replace(plane, ancillary=_find_ancillary(opened, galaxy, plane, band, options))
                    for band, plane in enumerate(planes)
                ]
    except CutoutError as error:
        raise UsageError(f"{path}: {error}") from error
    coordinates = {hdu.number: _read_wcs(path, hdu.number) for hdu in hdus}
    return [(plane, coordinates[plane.hdu.number]) for plane in planes]


def _find_ancillary(
    opened: FitsFile, galaxy: GalaxyImages, plane: MosaicPlane, band: int, options: ReadOptions
) -> tuple[AncillaryMosaic, ...]:
    """Return the ancillary planes of one band of a mosaic in its file."""
    found: list[AncillaryMosaic] = []
    for each in galaxy.ancillary:
        hdu = opened.hdus[each.hdu]
        depth = prod(hdu.shape[:-2])
        role = noise_role(hdu.header, each.role)
        if each.band is not None:
            allowed: tuple[int, ...] = (1,)
        elif role in NOISE_ROLES:
            allowed = (len(galaxy.bands),)
        else:
            allowed = (1, len(galaxy.bands))
        if each.band not in (None, band):
            continue
        if hdu.shape[-2:] != plane.hdu.shape[-2:] or depth not in allowed:
            raise CutoutError(
                f"{hdu.header.text('EXTNAME')} has {format_shape(hdu.shape)}, which do not match "
                f"its {format_shape(plane.hdu.shape)}"
            )
        bits = (
            bad_bits_of(hdu.header, opened.hdus[0].header, role, options.bad_bits)
            if role in ("mask", "flags")
            else None
        )
        number = band if depth > 1 else 0
        other = MosaicPlane(plane.path, plane.file, plane.stamp, hdu, number, plane.band)
        found.append(AncillaryMosaic(role, other, bits))
    return tuple(found)


def _read_wcs(path: Path, number: int) -> Any:
    """Read the celestial coordinates of an HDU; None if it has none."""
    from astropy.io import fits
    from astropy.wcs import WCS

    # astropy warns about what it repairs; sources are opened before threads are started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_intact_part(path) as opened:
                header = opened[number].header
                full = WCS(header, opened)
                wcs = full.celestial
        except (*HEADER_ERRORS, fits.VerifyError) as error:
            raise UsageError(
                f"{path}: its celestial coordinates are invalid: {_explain(error)}"
            ) from error
    if not wcs.has_celestial:
        return None
    _refuse_text_cards(header, {full.wcs.lng + 1, full.wcs.lat + 1}, path)
    return wcs


def _explain(error: Exception) -> str:
    """Return wcslib's message without its function names: the last line is the most precise."""
    lines = [
        line.strip().rstrip(".:")
        for line in str(error).splitlines()
        if not line.startswith("ERROR ")
    ]
    if isinstance(error, IndexError):
        return "astropy finds no such extension: a header before it is damaged"
    return next((line for line in reversed(lines) if line), "astropy cannot read its header")


def _refuse_text_cards(header: Any, axes: set[int], path: Path) -> None:
    """Refuse text and missing values in WCS cards, which wcslib silently replaces by 0 or 1."""
    for card in header.cards:
        found = _COORDINATE.fullmatch(card.keyword)
        if not found or not axes & {int(number) for number in found[2].split("_")}:
            continue
        value = _card_value(card)
        # a WCS can do without the keywords other than these two
        if type(value) not in (int, float) and (
            value is not None or found[1] in ("CRVAL", "CRPIX")
        ):
            problem = "it is missing" if value is None else f"it is '{value}'"
            raise UsageError(
                f"{path}: its celestial coordinates are invalid: {card.keyword} must be a "
                f"number; {problem}"
            )


def _card_value(card: Any) -> object:
    from astropy.io import fits

    try:
        return None if isinstance(card.value, fits.card.Undefined) else card.value
    except fits.VerifyError:  # neither a number nor text
        return card.image[10:].partition("/")[0].strip()
