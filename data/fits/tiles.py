"""Tile-compressed images (``.fits.fz``), decompressed by astropy from a checked header.

Astropy is given a new header that holds checked values only: it has nothing to warn about, and its
C decoders, which do not check their arguments, get no invalid block size or tile shape. HCOMPRESS
and PLIO are decoded here (`transcode`), because the C decoders were seen to write out of bounds on
damaged streams, and one bad file must not crash a run; Rice streams are checked first (`rice`),
because its C decoder reads out of bounds.

References
----------
FITS Standard 4.0, section 10.1.
"""

import io
import re
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.header_forms import HeaderCards
from galfeat.data.fits.headers import BLOCK, Hdu, Header
from galfeat.data.fits.intact_part import ReadOnlyFile
from galfeat.data.fits.streams import FileBytes, describe_error
from galfeat.data.fits.transcode import TRANSCODED_CODECS, card_number, transcode
from galfeat.data.memory import BUDGET

__all__ = ["decompress_image", "open_tiles"]

_CODECS = ("RICE_1", "RICE_ONE", "GZIP_1", "GZIP_2", "NOCOMPRESS")
_DITHERS = ("NO_DITHER", "SUBTRACTIVE_DITHER_1", "SUBTRACTIVE_DITHER_2")
_WIDTHS = {"B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8}
_DESCRIPTORS: dict[str, np.dtype[Any]] = {"P": np.dtype(">i4"), "Q": np.dtype(">i8")}
_FORMAT = re.compile(r"1?([PQ]?)([BIJKED])(\([0-9]*\))?")
_NAME = re.compile(r"[A-Z0-9_]+")
# of a duplicate of these astropy takes now the first, now the last
_UNIQUE = re.compile(r"ZTILE[0-9]+|ZVAL[0-9]+|THEAP|TFIELDS")
_MAX_FIELDS = 20  # the standard defines seven
_MAX_RATIO = 1100  # gzip packs at most 1032 to 1, Rice about 200 to 1
_MIN_DATA = 4 * BLOCK
_SECTION_BYTES = 16  # memory for each pixel of the tiles under a section
# astropy fills its table of dithering random numbers on first use without a lock; reentrant because
# a mosaic and its noise map are open together
_ASTROPY_LOCK = threading.RLock()

# What astropy raises on damaged tiles, found by damaging some thousand files; the decoder's own
# error class has no public name.
_DECODER_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    RuntimeError,
    AttributeError,
    OverflowError,
    MemoryError,
)


def decompress_image(source: FileBytes, hdu: Hdu) -> NDArray[np.generic]:
    """Return the stored numbers of a tile-compressed image, not yet scaled by BSCALE and BZERO.

    Raises
    ------
    CutoutError
        If the header makes no sense, the codec cannot be read safely, or tiles are damaged.
    """
    cards = _checked_cards(hdu)
    streams = _check_descriptors(source, hdu, cards)
    data = bytes(source.read(hdu.offset, hdu.size))
    if _is_rice(hdu):
        # imported late: numba, which other files do not need
        from galfeat.data.fits.rice import check_image

        check_image(hdu, cards, streams, memoryview(data)[card_number(cards, "THEAP") :])
    if hdu.header.text("ZCMPTYPE") in TRANSCODED_CODECS:
        cards, data = transcode(hdu, cards, data)
    file = io.BytesIO(_minimal_headers(cards) + data + b"\0" * (-len(data) % BLOCK))
    # imported late: it takes a third of a second, which plain files need not wait for
    from astropy.io import fits

    with (
        _ASTROPY_LOCK,
        _damage_explained(),
        fits.open(file, memmap=False, do_not_scale_image_data=True) as opened,
    ):
        return np.asarray(opened[1].data)


@contextmanager
def open_tiles(
    path: Path, hdu: Hdu, number: int = 0
) -> Iterator[Callable[[slice, slice], NDArray[np.generic]]]:
    """Open a compressed image, or a plane of a cube, for reading sections, as a context manager.

    Only the tiles under a section are read and decompressed; values are not yet scaled.

    Raises
    ------
    CutoutError
        As `decompress_image`.
    """
    if hdu.header.text("ZCMPTYPE") in TRANSCODED_CODECS:
        method = hdu.header.text("ZCMPTYPE")
        raise CutoutError(
            f"is compressed with {method}, so that no part of it can be read by itself: unpack it "
            "first (funpack)"
        )
    cards = _checked_cards(hdu)
    try:
        file = path.open("rb")
    except OSError as error:
        raise CutoutError(describe_error(error)) from error
    front = (*(0,) * (len(hdu.shape) - 3), number)[: len(hdu.shape) - 2]
    with file, _ASTROPY_LOCK, ExitStack() as stack:
        source = FileBytes(b"", file, hdu.offset + hdu.size)
        streams = _check_descriptors(source, hdu, cards)
        from astropy.io import fits

        with _damage_explained():
            minimal = _minimal_file(_minimal_headers(cards), source, hdu)
            opened = stack.enter_context(
                fits.open(minimal, memmap=False, do_not_scale_image_data=True)
            )
            section = opened[1].section
        tile = [card_number(cards, f"ZTILE{axis + 1}") for axis in range(len(hdu.shape))]

        def read(rows: slice, columns: slice) -> NDArray[np.generic]:
            pixels = prod(tile[2:])
            for length, window in zip(tile, (columns, rows), strict=False):
                pixels *= window.stop - window.start + 2 * length
            with BUDGET.reserve(_SECTION_BYTES * pixels), _damage_explained():
                if _is_rice(hdu):
                    from galfeat.data.fits.rice import check_section

                    check_section(hdu, cards, streams, source, (*front, rows, columns))
                return np.asarray(section[(*front, rows, columns)])

        yield read


@contextmanager
def _damage_explained() -> Iterator[None]:
    """Raise a `CutoutError` for what astropy raises on damaged tiles."""
    try:
        with np.errstate(all="ignore"):
            yield
    except CutoutError:
        raise
    except _DECODER_ERRORS as error:
        reason = str(error) or "there is not enough memory for the size they claim"
        raise CutoutError(f"its compressed pixels are damaged: {reason}") from error
    except Exception as error:
        if type(error).__name__ not in ("CfitsioException", "VerifyError"):
            raise
        raise CutoutError(f"its compressed pixels are damaged: {error}") from error


def _minimal_file(headers: bytes, source: FileBytes, hdu: Hdu) -> io.BufferedReader:
    """Return a file of checked headers, and the data of an HDU as they lie in its file."""

    def read(at: int, count: int) -> bytes | memoryview:
        if at < len(headers):
            return headers[at : at + count]
        at -= len(headers)
        if at < hdu.size:
            return source.read(hdu.offset + at, min(count, hdu.size - at))
        return bytes(count)

    size = len(headers) + hdu.size + -hdu.size % BLOCK
    return io.BufferedReader(ReadOnlyFile(size, read))


def _checked_cards(hdu: Hdu) -> dict[str, object]:
    """Return the checked header cards of a compressed image."""
    claimed = prod(hdu.shape) * abs(hdu.bitpix) // 8
    if claimed > _MAX_RATIO * max(hdu.size, _MIN_DATA):
        raise CutoutError(
            f"its header is damaged: it claims {claimed:,} bytes of pixels, packed into "
            f"{hdu.size:,}"
        )
    _refuse_duplicates(hdu.header)
    return {**_table_cards(hdu), **_image_cards(hdu), **_codec_cards(hdu)}


def _refuse_duplicates(header: Header) -> None:
    """Refuse duplicate keywords with different values that decide how tiles are stored."""
    if not isinstance(header.cards, HeaderCards):
        return
    for name in header.cards.form.duplicates:
        if not _UNIQUE.fullmatch(name):
            continue
        values = [value.split("/", 1)[0].strip() for value in header.cards.all_values(name)]
        if len(set(values)) > 1:
            raise CutoutError(
                f"its header is damaged: {name} appears more than once, as "
                f"{' and '.join(dict.fromkeys(values))}: delete the wrong one"
            )


def _check_descriptors(
    source: FileBytes, hdu: Hdu, cards: Mapping[str, object]
) -> NDArray[np.int64]:
    """Check that every tile lies inside its table, because astropy and its decoders trust it.

    Returns
    -------
    array of int64, shape (n_tiles, 2)
        Length and offset in the heap of each stream of the column ``COMPRESSED_DATA``; empty if
        the column has another form.

    Raises
    ------
    CutoutError
        If length or offset of a tile is negative, or the tile ends behind the data.
    """
    width, rows, heap = (card_number(cards, name) for name in ("NAXIS1", "NAXIS2", "THEAP"))
    table = bytes(source.read(hdu.offset, width * rows))
    if len(table) < width * rows:
        raise CutoutError("its compressed pixels are damaged: its table is truncated")
    at, room = 0, hdu.size - heap
    streams = np.empty((0, 2), np.int64)
    for field in range(1, card_number(cards, "TFIELDS") + 1):
        form = str(cards[f"TFORM{field}"])
        if form[1] not in _DESCRIPTORS:
            at += _WIDTHS[form[1]]
            continue
        stored, size = _DESCRIPTORS[form[1]], _WIDTHS[form[2]]
        places = np.ndarray((rows, 2), stored, table, at, (width, stored.itemsize))
        length, offset = places.T
        inside = (length >= 0) & (length <= room // size) & (offset >= 0)
        inside[inside] &= (length[inside] == 0) | (
            offset[inside] <= room - length[inside].astype(np.int64) * size
        )
        if not inside.all():
            tile = int(np.argmin(inside))
            raise CutoutError(
                f"its compressed pixels are damaged: tile {tile + 1} of {rows} would have "
                f"{length[tile]} values at byte {offset[tile]} of {room}: get the file again"
            )
        if cards[f"TTYPE{field}"] == "COMPRESSED_DATA":
            streams = places.astype(np.int64)
        at += 2 * stored.itemsize
    return streams


def _is_rice(hdu: Hdu) -> bool:
    return hdu.header.text("ZCMPTYPE").startswith("RICE")


def _minimal_headers(cards: dict[str, object]) -> bytes:
    primary: dict[str, object] = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True}
    return _header_bytes(primary) + _header_bytes(cards)


def _table_cards(hdu: Hdu) -> dict[str, object]:
    header = hdu.header
    width, rows, fields = (
        header.integer("NAXIS1"),
        header.integer("NAXIS2"),
        header.integer("TFIELDS"),
    )
    columns, expected = _column_cards(header, fields)
    if header.integer("NAXIS") != 2 or not width or width != expected:
        raise CutoutError(
            f"its header is damaged: a row of its table has {width} bytes where its columns fill "
            f"{expected}"
        )
    heap = header.integer("THEAP", width * rows)
    if not width * rows <= heap <= hdu.size:
        raise CutoutError(f"its header is damaged: THEAP is {heap}")
    fixed = {"XTENSION": "BINTABLE", "BITPIX": 8, "NAXIS": 2, "NAXIS1": width, "NAXIS2": rows}
    return {
        **fixed,
        "PCOUNT": hdu.size - width * rows,
        "GCOUNT": 1,
        "TFIELDS": fields,
        **columns,
        "THEAP": heap,
    }


def _column_cards(header: Header, fields: int) -> tuple[dict[str, object], int]:
    """Return the cards of the table's columns, and how many bytes the columns fill in a row."""
    columns: dict[str, object] = {}
    row_bytes = 0
    if not 1 <= fields <= _MAX_FIELDS:
        raise CutoutError(f"its header is damaged: TFIELDS is {fields}")
    for field in range(1, fields + 1):
        form = _FORMAT.fullmatch(header.text(f"TFORM{field}"))
        if form is None:
            raise CutoutError(
                f"its header is damaged: TFORM{field} is "
                f"{header.text(f'TFORM{field}') or 'missing'}"
            )
        row_bytes += {"P": 8, "Q": 16}.get(form[1], _WIDTHS[form[2]])
        columns |= {
            f"TTYPE{field}": header.text(f"TTYPE{field}"),
            f"TFORM{field}": f"1{form[1]}{form[2]}{form[3] or ''}",
        }
    names = [header.text(f"TTYPE{field}") for field in range(1, fields + 1)]
    if (
        "COMPRESSED_DATA" not in names
        or len(set(names)) < len(names)
        or not all(_NAME.fullmatch(name) for name in names)
    ):
        raise CutoutError(
            "its header is damaged: the columns of its table are named "
            f"{', '.join(names) or 'nothing'}"
        )
    return columns, row_bytes


def _image_cards(hdu: Hdu) -> dict[str, object]:
    header = hdu.header
    axes = hdu.shape[::-1]
    tiles = [
        header.integer(f"ZTILE{axis}", axes[0] if axis == 1 else 1)
        for axis in range(1, len(axes) + 1)
    ]
    if any(tile < 1 for tile in tiles):
        raise CutoutError("its header is damaged: a tile has no pixels")
    tiles = [min(tile, length) for tile, length in zip(tiles, axes, strict=True)]
    needed = prod(-(-length // tile) for tile, length in zip(tiles, axes, strict=True))
    if needed != header.integer("NAXIS2"):
        raise CutoutError(
            f"its header is damaged: {needed} tiles make its image and {header.integer('NAXIS2')} "
            "are there"
        )
    cards: dict[str, object] = {
        "ZIMAGE": True,
        "ZTENSION": "IMAGE",
        "ZBITPIX": hdu.bitpix,
        "ZNAXIS": len(axes),
    }
    for axis, (length, tile) in enumerate(zip(axes, tiles, strict=True), start=1):
        cards |= {f"ZNAXIS{axis}": length, f"ZTILE{axis}": tile}
    return cards


def _codec_cards(hdu: Hdu) -> dict[str, object]:
    header = hdu.header
    codec = header.text("ZCMPTYPE")
    if codec not in (*_CODECS, *TRANSCODED_CODECS):
        raise CutoutError(
            f"is compressed with {codec or 'no known method'}, which cannot be read safely: "
            "unpack it first (funpack)"
        )
    cards: dict[str, object] = {"ZCMPTYPE": codec}
    for number, (name, allowed) in enumerate(
        {"BLOCKSIZE": (16, 32), "BYTEPIX": (1, 2, 4)}.items(), start=1
    ):
        value = _codec_setting(header, name, allowed[-1])
        if value not in allowed:
            raise CutoutError(f"its header is damaged: {name} of its compression is {value}")
        cards |= {f"ZNAME{number}": name, f"ZVAL{number}": value}
    if header.text("ZQUANTIZ") in _DITHERS:
        cards["ZQUANTIZ"] = header.text("ZQUANTIZ")
    if "ZDITHER0" in header and 1 <= header.integer("ZDITHER0") <= 10000:
        cards["ZDITHER0"] = header.integer("ZDITHER0")
    blank = "ZBLANK" if "ZBLANK" in header else "BLANK"
    if blank in header and _fits(header.integer(blank), hdu.bitpix):
        cards["ZBLANK"] = header.integer(blank)
    return cards


def _fits(value: int, bitpix: int) -> bool:
    """Return whether stored numbers can have a value; floating point is quantized to 32 bits."""
    if bitpix == 8:
        return 0 <= value < 1 << 8
    bits = min(bitpix, 32) if bitpix > 0 else 32
    return -(1 << (bits - 1)) <= value < 1 << (bits - 1)


def _codec_setting(header: Header, name: str, default: int) -> int:
    for number in range(1, 10):
        if header.text(f"ZNAME{number}") == name:
            return header.integer(f"ZVAL{number}")
    return default


def _header_bytes(cards: dict[str, object]) -> bytes:
    lines = "".join(
        f"{keyword:<8}= {_format_value(value)}".ljust(80) for keyword, value in cards.items()
    ) + "END".ljust(80)
    return lines.ljust(-(-len(lines) // BLOCK) * BLOCK).encode("ascii", "replace")


def _format_value(value: object) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    return (
        f"{value:>20}" if isinstance(value, int) else f"'{str(value).replace(chr(39), '')[:60]:<8}'"
    )
