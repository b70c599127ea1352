"""Safe parsing of FITS headers: keywords, values, and the extent of each HDU.

A damaged header of 20 kB can claim a terabyte of pixels, and astropy reports problems by warnings,
which are not thread-safe and no reason to stop a run. Headers are therefore parsed here: the result
depends on the bytes alone, in any thread; nothing warns; and no claim is trusted beyond the size of
the file.

References
----------
FITS Standard 4.0, https://fits.gsfc.nasa.gov/fits_standard.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, NamedTuple

from galfeat import CutoutError
from galfeat.data.fits.header_forms import BLOCK, CARD, HeaderCards, HeaderForm, HeaderFormCache
from galfeat.data.fits.streams import FileBytes
from galfeat.data.memory import TooMuchAtOnce

__all__ = ["BLOCK", "FIRST_CARDS", "Hdu", "HduReader", "Header", "read_hdus"]

FIRST_CARDS = (b"SIMPLE  =", b"XTENSION=")
"""What a header begins with, and pixels do not."""

_MAX_TRAILING = 4 << 20  # trailing bytes searched for a lost header
_BITPIX = (8, 16, 32, 64, -32, -64)
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([DEde][+-]?[0-9]+)?")
_TEXT = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Header:
    """Keywords and values of one header.

    Of a duplicate keyword the first value counts (for numbers the last), as in astropy.
    """

    cards: Mapping[str, str]

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.cards

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return an integer value.

        Raises
        ------
        CutoutError
            If the value is not an integer, or is missing and there is no default.
        """
        value = self._last(keyword)
        if not value and default is not None:
            return default
        if not _INTEGER.fullmatch(value):
            raise CutoutError(
                f"its header is damaged: {keyword} is {value or 'missing'}, not a whole number"
            )
        return int(value)

    def number(self, keyword: str, default: float) -> float:
        """Return a numeric value, or the default where the keyword is missing.

        Raises
        ------
        CutoutError
            If the value is not a number.
        """
        value = self._last(keyword)
        if value and not _NUMBER.fullmatch(value):
            raise CutoutError(f"its header is damaged: {keyword} is {value}, not a number")
        return float(value.upper().replace("D", "E")) if value else default

    def _last(self, keyword: str) -> str:
        """Return the raw value of a keyword; of a duplicate, the last, as in astropy."""
        if isinstance(self.cards, HeaderCards) and keyword in self.cards.form.duplicates:
            return _strip_comment(self.cards.all_values(keyword)[-1])
        return _strip_comment(self.cards.get(keyword, ""))

    def text(self, keyword: str) -> str:
        """Return a string value without surrounding blanks; empty where there is none."""
        if keyword not in self.cards:
            return ""
        found = _TEXT.match(self.cards[keyword].lstrip())
        return found[1].replace("''", "'").strip() if found else ""

    def true(self, keyword: str) -> bool:
        """Return whether the value is the logical T."""
        return _strip_comment(self.cards.get(keyword, "")) == "T"


Kind = Literal["image", "tiles", "table", "other"]


class Hdu(NamedTuple):
    """One header-and-data unit.

    Parameters
    ----------
    number : int
        0 for the primary HDU.
    kind : {"image", "tiles", "table", "other"}
        ``"tiles"`` is a tile-compressed image.
    header : Header
    bitpix : int
        Type of the pixel values: 8 to 64 for integers, -32 and -64 for floating point.
    shape : tuple of int
        Of the image, slowest axis first: (..., ny, nx).
    offset, size : int
        Start and length of the data in the file, bytes.
    """

    number: int
    kind: Kind
    header: Header
    bitpix: int
    shape: tuple[int, ...]
    offset: int
    size: int


_DataLayout = tuple[Kind, int, tuple[int, ...], int]  # as in Hdu: kind, bitpix, shape, size


class HduReader:
    """Reader of consecutive HDUs that interprets headers of one form and geometry only once.

    Not thread-safe.

    Parameters
    ----------
    source : FileBytes
    """

    def __init__(self, source: FileBytes) -> None:
        self._source = source
        self._forms = HeaderFormCache()
        self._layouts: dict[tuple[HeaderForm, bytes], _DataLayout] = {}

    def read(self, offset: int, number: int) -> Hdu:
        """Read the HDU that begins at an offset; its data may be missing.

        Parameters
        ----------
        offset : int
            Start of its header, bytes.
        number : int
            Number of the HDU.

        Raises
        ------
        CutoutError
            If its header makes no sense.
        """
        cards = self._forms.read(self._source, offset)
        header, form = Header(cards), cards.form
        key = form, form.geometry_key(cards.raw)
        if key not in self._layouts:
            _check_end(cards.raw[form.geometry[-1]])
            self._layouts[key] = _interpret(header, number)
        kind, bitpix, shape, size = self._layouts[key]
        return Hdu(
            number,
            kind,
            header,
            bitpix,
            shape,
            offset + len(cards.raw) + -len(cards.raw) % BLOCK,
            size,
        )


def _check_end(rest: bytes) -> None:
    """Refuse an END card that is none to others, who read on: what follows would be lost."""
    card = rest[:CARD].strip(b" ")
    if card == b"END":
        return
    if card != b"END     =":
        raise CutoutError("its header is damaged: its END card holds more than END and blanks")
    if rest[CARD:].strip(b" \0"):
        raise CutoutError("its header is damaged: more follows its END card")


_CHECKED_HDUS, _HDU_BYTES = 4096, 6000  # the memory of so many HDUs is reserved at a time


def read_hdus(source: FileBytes) -> tuple[list[Hdu], str]:
    """Return all HDUs of a FITS file.

    Returns
    -------
    list of Hdu
        The complete ones. Trailing bytes that are no HDU are ignored, since archives leave them
        behind.
    str
        What is wrong with the file after them, such as missing pixels; empty if nothing is.

    Raises
    ------
    CutoutError
        If it is no FITS file, its first header makes no sense, or the headers need more memory
        than may be used.
    """
    if bytes(source.read(0, 9)) != b"SIMPLE  =":
        raise CutoutError(f"is not a FITS file: {_guess_format(bytes(source.read(0, 16)))}")
    hdus: list[Hdu] = []
    offset = 0
    reader = HduReader(source)
    while not hdus or bytes(source.read(offset, 8)) == b"XTENSION":
        try:
            hdu = reader.read(offset, len(hdus))
        except CutoutError as error:
            if not hdus:
                raise
            return hdus, f"in extension {len(hdus)}, {error}"
        simple = _strip_comment(hdu.header.cards.get("SIMPLE", ""))
        if not hdus and simple != "T":
            raise CutoutError(
                f"is not standard FITS according to its header (SIMPLE is {simple or 'missing'})"
            )
        if hdu.offset + hdu.size > source.size:
            there = max(0, source.size - hdu.offset)
            where = (
                f"its extension {hdu.number}"
                if hdu.number
                else "its image"
                if hdu.shape
                else "its first part"
            )
            return hdus, f"is truncated: {where} should have {hdu.size:,} bytes and has {there:,}"
        if hdu.size and bytes(source.read(hdu.offset, 9)) in FIRST_CARDS:
            where = f"of its extension {hdu.number}" if hdu.number else "of its image"
            return hdus, (
                f"is damaged: a header is found where the pixels {where} should begin: get the "
                "file again"
            )
        hdus.append(hdu)
        _reserve(source, hdus)
        offset = hdu.offset + -(-hdu.size // BLOCK) * BLOCK
    if _has_lost_header(source, offset):
        return (
            hdus,
            f"its headers are damaged: extension {len(hdus)} does not begin where it should",
        )
    return hdus, ""


def _reserve(source: FileBytes, hdus: list[Hdu]) -> None:
    if len(hdus) % _CHECKED_HDUS:
        return
    try:
        source.reserve(_CHECKED_HDUS * _HDU_BYTES)
    except (CutoutError, TooMuchAtOnce):
        hdus.clear()  # the traceback may hold them for long
        raise


def _has_lost_header(source: FileBytes, offset: int) -> bool:
    """Return whether a header follows the last HDU, at once or some blocks later."""
    first = bytes(source.read(offset, BLOCK))
    if any(first.startswith(b"BITPIX  =", at) for at in range(0, len(first), CARD)):
        return True
    end = min(source.size, offset + _MAX_TRAILING)
    return any(bytes(source.read(start, 9)) == b"XTENSION=" for start in range(offset, end, BLOCK))


def _interpret(header: Header, number: int) -> _DataLayout:
    """Return kind, bitpix, shape and data size as a header states them.

    Only keywords that are part of `HeaderForm.geometry` may be read here: the result is cached by
    them.
    """
    bitpix, shape = _geometry(header, "")
    size = _size(header, bitpix, shape)
    extension = header.text("XTENSION") if number else "IMAGE"
    if not extension:
        raise CutoutError("its header is damaged: XTENSION is not text")
    if extension in ("BINTABLE", "A3DTABLE", "TABLE"):
        columns = header.integer("TFIELDS", 0)
        if not 0 <= columns <= 999:  # astropy, and whoever looks for a column, go through them all
            raise CutoutError(f"its header is damaged: TFIELDS is {columns}")
        if extension != "TABLE" and header.true("ZIMAGE"):
            return "tiles", *_geometry(header, "Z"), size
        return "table", bitpix, shape, size
    is_image = extension in ("IMAGE", "IUEIMAGE") and not _is_random_groups(header, shape)
    return "image" if is_image else "other", bitpix, shape, size


def _geometry(header: Header, prefix: str) -> tuple[int, tuple[int, ...]]:
    bitpix = header.integer(f"{prefix}BITPIX")
    if bitpix not in _BITPIX:
        raise CutoutError(
            f"its header is damaged: {prefix}BITPIX is {bitpix}, which is not a valid value"
        )
    axes = header.integer(f"{prefix}NAXIS")
    if not 0 <= axes <= 999:
        raise CutoutError(f"its header is damaged: {prefix}NAXIS is {axes}")
    shape = tuple(header.integer(f"{prefix}NAXIS{axis}") for axis in range(axes, 0, -1))
    if any(length < 0 for length in shape):
        raise CutoutError("its header is damaged: an axis of its image has a negative length")
    return bitpix, shape


def _size(header: Header, bitpix: int, shape: tuple[int, ...]) -> int:
    if not shape:
        return 0
    if _is_random_groups(header, shape):
        shape = shape[:-1]
    size = (
        abs(bitpix) // 8 * header.integer("GCOUNT", 1) * (header.integer("PCOUNT", 0) + prod(shape))
    )
    if size < 0:
        raise CutoutError("its header is damaged: PCOUNT or GCOUNT is negative")
    return size


def _is_random_groups(header: Header, shape: tuple[int, ...]) -> bool:
    """Return whether the data are random groups, whose axis of length 0 does not count."""
    return bool(shape) and shape[-1] == 0 and header.true("GROUPS")


def _strip_comment(value: str) -> str:
    return value.split("/", 1)[0].strip(" ")  # no other white space: it is none to others


_SIGNATURES = {
    b"\xff\xd8\xff": "it is a JPEG picture",
    b"\x89PNG": "it is a PNG picture",
    b"\x89HDF": "it is an HDF5 file",
    b"PK\x03\x04": "it is a zip archive; unpack it first",
    b"\xfd7zXZ": "it is packed with xz; unpack it first",
    b"\x1f\x9d": "it is packed with compress; unpack it first",
    b"PAR1": "it is a Parquet file",
    b"II*\0": "it is a TIFF picture; convert it to FITS or PNG",
    b"MM\0*": "it is a TIFF picture; convert it to FITS or PNG",
    b"RIFF": "it is a WebP picture; convert it to FITS or PNG",
    b"#ASDF": "it is an ASDF file; save its image as FITS",
    b"SIMPLE": "its first line is damaged",
}


def _guess_format(head: bytes) -> str:
    for signature, words in _SIGNATURES.items():
        if head.startswith(signature):
            return words
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return f"it is text that begins with {head.decode('ascii').split(chr(10))[0].strip()!r}"
    return "it does not begin with SIMPLE"
