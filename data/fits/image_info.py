"""Descriptions of images by their headers: name, filter, planes, unit, and what they hold."""

import re
from collections.abc import Mapping
from itertools import dropwhile

from galfeat import CutoutError
from galfeat.data.fits.ancillary.names import ImageName, meaning_by_header, parse_name
from galfeat.data.fits.header_forms import HeaderCards
from galfeat.data.fits.headers import Hdu, Header
from galfeat.data.fits.layouts import ImageInfo
from galfeat.data.grids.wcs_cards import card_places

__all__ = [
    "CALIBRATION_KEYWORDS",
    "calibration_keywords",
    "coordinate_cards",
    "filter_of",
    "image_of",
    "shared_filter",
    "shared_meaning",
    "strip_leading_ones",
    "unit_of",
    "version_of",
    "with_models",
]

CALIBRATION_KEYWORDS = (
    "BUNIT",
    "EXPTIME",
    "MAGZP",
    "PHOTFLAM",
    "PHOTMJSR",
    "PHOTPLAM",
    "PHOTZP",
    "PIXAR_SR",
)
"""Keywords that tell what flux a pixel value is."""

_NOTHING_STATED = ImageName("")
_OF_ONE_FILTER = ("PHOTFLAM", "PHOTPLAM")  # the pivot wavelength of a filter, and what goes with it
_TEXT = re.compile(r"'((?:[^']|'')*)'")


def image_of(hdu: Hdu, shared: str, meaning: ImageName = _NOTHING_STATED) -> ImageInfo:
    """Return the description of an image from its header.

    `shared` is the filter named in a primary header without pixels, for all images, and `meaning`
    what that header says of them.
    """
    shape = strip_leading_ones(hdu.shape)
    own = filter_of(hdu.header)
    planes = _plane_names(hdu.header, shape[-3]) if len(shape) > 2 else ()
    name = hdu.header.text("EXTNAME") or hdu.header.text("HDUNAME")
    stated = meaning_by_header(hdu.header)
    if meaning.meaning and not stated.meaning and not parse_name(name).meaning:
        stated = meaning
    return ImageInfo(hdu.number, shape, name, own, own or shared, planes, 0, stated)


def shared_meaning(first: Hdu) -> ImageName:
    """Return the companion that a primary HDU without pixels says the images behind it are."""
    found = ImageName("") if first.shape else meaning_by_header(first.header)
    return found if found.is_companion else ImageName("")


def with_models(images: list[ImageInfo], hdus: list[Hdu]) -> list[ImageInfo]:
    """Return a file's images with GALFIT's models and residuals marked as companions.

    They have no names: OBJECT says "model" and "residual map", and the header of the model has
    INITFILE.
    """
    if len(images) < 2 or not any("INITFILE" in hdu.header for hdu in hdus):
        return images
    return [
        image._replace(stated=ImageName("unused", hdus[image.hdu].header.text("OBJECT").lower()))
        if "INITFILE" in hdus[image.hdu].header
        or hdus[image.hdu].header.text("OBJECT").lower() in ("model", "residual map")
        else image
        for image in images
    ]


def version_of(header: Header, name: str) -> int:
    """Return the version of an image, from EXTVER or the number that ends its name; 0 if none."""
    if "EXTVER" in header:
        try:
            return header.integer("EXTVER")
        except CutoutError:
            return 0  # only matching of ancillary images needs it
    number = name[len(name.rstrip("0123456789")) :]
    return int(number[:9] or 0)


def shared_filter(first: Hdu) -> str:
    """Return the filter that a primary HDU without pixels names for the images behind it."""
    return "" if first.shape else filter_of(first.header)


def filter_of(header: Header) -> str:
    """Return the filter named in a header; empty if there is none.

    FILTER; or the one of FILTER1 and FILTER2 (instruments with two filter wheels) that is not
    clear; or FILTNAM1; or BAND.
    """
    wheels = [header.text(keyword) for keyword in ("FILTER1", "FILTER2")]
    names = [
        header.text("FILTER"),
        *(name for name in wheels if not name.upper().startswith("CLEAR")),
    ]
    names += [header.text("FILTNAM1"), header.text("BAND")]
    return next((name for name in names if name), "")


def unit_of(hdu: Hdu, first: Hdu) -> str:
    """Return the unit of an image: BUNIT of its header, or of a primary header without pixels."""
    return hdu.header.text("BUNIT") or ("" if first.shape else first.header.text("BUNIT"))


def calibration_keywords(hdu: Hdu, first: Hdu, bands: int) -> Mapping[str, str]:
    """Return what a header, or a primary header without pixels, states of the flux calibration.

    Numbers as text; of an image of several bands without what can be true of one filter only.
    """
    headers = [hdu.header] if first.shape or first is hdu else [hdu.header, first.header]
    found: dict[str, str] = {}
    for name in CALIBRATION_KEYWORDS:
        if bands > 1 and name in _OF_ONE_FILTER:
            continue
        values = (_plain_value(header.cards.get(name, "")) for header in headers)
        if value := next(filter(None, values), ""):
            found[name] = value
    return found


def _plain_value(text: str) -> str:
    """Return the value of a card as text, numbers as Python writes them."""
    quoted = _TEXT.match(text.lstrip())
    if quoted:
        return quoted[1].replace("''", "'").strip()
    return text.split("/", 1)[0].strip().upper().replace("D", "E")


def coordinate_cards(header: Header) -> bytes:
    """Return the cards of a header's celestial coordinates."""
    cards = header.cards
    if not isinstance(cards, HeaderCards):
        return b""
    return b"".join([cards.raw[place] for place in card_places(cards.form.keywords)])


def strip_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Drop leading axes of length 1, as radio images and spectrographs write them."""
    return tuple(dropwhile(lambda length: length == 1, shape[:-2])) + shape[-2:]


def _plane_names(header: Header, count: int) -> tuple[str, ...]:
    if count > len(header.cards):  # damaged, or too many to have names
        return ()
    for keyword, first in (("BAND", 1), ("BAND", 0), ("FILTER", 1)):
        names = tuple(header.text(f"{keyword}{number}") for number in range(first, first + count))
        clear = any(name.upper().startswith("CLEAR") for name in names)
        if all(names) and len(set(names)) == count and not clear:
            return names
    return ()
