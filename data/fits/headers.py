"""FITS headers, read without believing them.

A file of 20 kB can claim a terabyte of pixels, and astropy says what is wrong with a file by
warnings, which are neither safe between threads nor something to stop a run for. So the headers are
read here: the same bytes give the same answer in any thread, nothing warns, and nothing is believed
beyond the size of the file. What is read: the keywords, their values, and where the data of each
header-and-data unit (HDU) begin and end.

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

__all__ = ["BLOCK", "Hdu", "HduReader", "Header", "read_hdus"]

_LONGEST_REST = 4 << 20  # bytes that are searched for lost headers
_BITPIX = (8, 16, 32, 64, -32, -64)
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([DEde][+-]?[0-9]+)?")
_TEXT = re.compile(r"'((?:[^']|'')*)'")


@dataclass(frozen=True)
class Header:
    """Keywords and values of one header.

    Of a keyword that stands there twice, the first counts (of numbers the last), as in astropy.
    """

    cards: Mapping[str, str]

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.cards

    def integer(self, keyword: str, default: int | None = None) -> int:
        """Return a whole number.

        Raises
        ------
        CutoutError
            If there is something else, or nothing and no default.
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
        """Return a number, whole or not; the default where there is none.

        Raises
        ------
        CutoutError
            If there is something else.
        """
        value = self._last(keyword)
        if value and not _NUMBER.fullmatch(value):
            raise CutoutError(f"its header is damaged: {keyword} is {value}, not a number")
        return float(value.upper().replace("D", "E")) if value else default

    def _last(self, keyword: str) -> str:
        """Return what stands behind a keyword.

        Of one that stands there twice, behind the last, with which astropy computes.
        """
        if isinstance(self.cards, HeaderCards) and keyword in self.cards.form.double:
            return _bare(self.cards.every(keyword)[-1])
        return _bare(self.cards.get(keyword, ""))

    def text(self, keyword: str) -> str:
        """Return a text without the blanks around it; empty where there is none."""
        if keyword not in self.cards:
            return ""
        found = _TEXT.match(self.cards[keyword].lstrip())
        return found[1].replace("''", "'").strip() if found else ""

    def true(self, keyword: str) -> bool:
        """Return whether the value is T."""
        return _bare(self.cards.get(keyword, "")) == "T"


Kind = Literal["image", "tiles", "table", "other"]


class Hdu(NamedTuple):
    """One header-and-data unit.

    Parameters
    ----------
    number : int
        0 for the first.
    kind : {"image", "tiles", "table", "other"}
        ``"tiles"`` is an image that is stored compressed.
    header : Header
    bitpix : int
        Kind of number of the pixels: 8 to 64 integers, -32 and -64 floating point.
    shape : tuple of int
        Of the image, slowest axis first: (..., ny, nx).
    offset, size : int
        Where the data begin in the file, in bytes, and how many bytes they have.
    """

    number: int
    kind: Kind
    header: Header
    bitpix: int
    shape: tuple[int, ...]
    offset: int
    size: int


_Meaning = tuple[Kind, int, tuple[int, ...], int]  # as in Hdu: kind, bitpix, shape, size


class HduReader:
    """Reads one HDU after the other, understanding once what their headers have in common.

    For one thread.

    Parameters
    ----------
    source : FileBytes
    """

    def __init__(self, source: FileBytes) -> None:
        self._source = source
        self._forms = HeaderFormCache()
        self._known: dict[tuple[HeaderForm, bytes], _Meaning] = {}

    def read(self, offset: int, number: int) -> Hdu:
        """Read the HDU of that number, which begins at a place; its data need not be there.

        Raises
        ------
        CutoutError
            If its header makes no sense.
        """
        cards = self._forms.read(self._source, offset)
        header, form = Header(cards), cards.form
        said = form, form.said(cards.raw)
        if said not in self._known:
            self._known[said] = _meaning(header, number)
        kind, bitpix, shape, size = self._known[said]
        return Hdu(
            number,
            kind,
            header,
            bitpix,
            shape,
            offset + len(cards.raw) + -len(cards.raw) % BLOCK,
            size,
        )


def read_hdus(source: FileBytes) -> tuple[list[Hdu], str]:
    """Find all HDUs of a FITS file.

    Returns
    -------
    list of Hdu
        Those that are there as a whole. Anything after the last that is no HDU is left alone, since
        archives leave such things behind.
    str
        What is wrong with the file after them, such as missing pixels; empty if nothing is.

    Raises
    ------
    CutoutError
        If it is no FITS file, or its first header makes no sense.
    """
    if bytes(source.read(0, 9)) != b"SIMPLE  =":
        raise CutoutError(f"is not a FITS file: {_looks_like(bytes(source.read(0, 16)))}")
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
        if not hdus and _bare(hdu.header.cards.get("SIMPLE", "")) == "F":
            raise CutoutError("is not standard FITS, as it says itself (SIMPLE is F)")
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
        hdus.append(hdu)
        offset = hdu.offset + -(-hdu.size // BLOCK) * BLOCK
    if _is_torn(source, offset):
        return (
            hdus,
            f"its headers are damaged: extension {len(hdus)} does not begin where it should",
        )
    return hdus, ""


def _is_torn(source: FileBytes, offset: int) -> bool:
    """Return whether what follows the last HDU is no mere rest but a lost header, there or some
    blocks later.
    """
    first = bytes(source.read(offset, BLOCK))
    if any(first.startswith(b"BITPIX  =", at) for at in range(0, len(first), CARD)):
        return True
    end = min(source.size, offset + _LONGEST_REST)
    return any(bytes(source.read(start, 9)) == b"XTENSION=" for start in range(offset, end, BLOCK))


def _meaning(header: Header, number: int) -> _Meaning:
    """Understand what a header says about its data.

    Only cards of the form's geometry may be asked for here.
    """
    bitpix, shape = _geometry(header, "")
    size = _size(header, bitpix, shape)
    extension = header.text("XTENSION") if number else "IMAGE"
    if not extension:
        raise CutoutError("its header is damaged: XTENSION is no text")
    if extension in ("BINTABLE", "A3DTABLE") and header.true("ZIMAGE"):
        return "tiles", *_geometry(header, "Z"), size
    if extension in ("BINTABLE", "A3DTABLE", "TABLE"):
        return "table", bitpix, shape, size
    is_image = extension in ("IMAGE", "IUEIMAGE") and not _is_groups(header, shape)
    return "image" if is_image else "other", bitpix, shape, size


def _geometry(header: Header, prefix: str) -> tuple[int, tuple[int, ...]]:
    bitpix = header.integer(f"{prefix}BITPIX")
    if bitpix not in _BITPIX:
        raise CutoutError(f"its header is damaged: {prefix}BITPIX is {bitpix}, which means nothing")
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
    if _is_groups(header, shape):
        shape = shape[:-1]
    size = (
        abs(bitpix) // 8 * header.integer("GCOUNT", 1) * (header.integer("PCOUNT", 0) + prod(shape))
    )
    if size < 0:
        raise CutoutError("its header is damaged: PCOUNT or GCOUNT is negative")
    return size


def _is_groups(header: Header, shape: tuple[int, ...]) -> bool:
    """Return whether data are random groups, as radio astronomers wrote them.

    The axis of length 0 does not count.
    """
    return bool(shape) and shape[-1] == 0 and header.true("GROUPS")


def _bare(value: str) -> str:
    return value.split("/", 1)[0].strip()


_SIGNATURES = {
    b"\xff\xd8\xff": "it is a JPEG picture",
    b"\x89PNG": "it is a PNG picture",
    b"\x89HDF": "it is an HDF5 file",
    b"BZh": "it is packed with bzip2; unpack it first",
    b"PK\x03\x04": "it is a zip archive; unpack it first",
    b"\xfd7zXZ": "it is packed with xz; unpack it first",
    b"\x1f\x9d": "it is packed with compress; unpack it first",
    b"PAR1": "it is a Parquet file",
    b"II*\0": "it is a TIFF picture",
    b"MM\0*": "it is a TIFF picture",
    b"SIMPLE": "its first line is damaged",
}


def _looks_like(head: bytes) -> str:
    for signature, words in _SIGNATURES.items():
        if head.startswith(signature):
            return words
    if head and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        return f"it is a text that begins with {head.decode('ascii').split(chr(10))[0].strip()!r}"
    return "it does not begin with SIMPLE"
