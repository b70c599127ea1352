"""One file of many galaxies, an extension each, all stored alike.

Understood as one array with gaps.

Ten thousand extensions that the same programme wrote differ in names and pixels and in nothing
else. Then the place of each follows from the first two, and what is left to do is to look whether
it is so: that every header has the keywords of the first in the same places and the same values in
the cards that matter. Of whatever is different in any of this, the careful way (`fits`) finds out
what it is.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary_names import is_ancillary, may_be_ancillary
from galfeat.data.fits.fast_images import LAYOUT_KEYWORDS, SLOW_PATH_KEYWORDS
from galfeat.data.fits.file import FileContents, image_of, shared_filter
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.header_forms import BLOCK, CARD, HeaderCards
from galfeat.data.fits.headers import HduReader, Header
from galfeat.data.fits.layouts import ImageInfo, Layout, arrange, is_band_name
from galfeat.data.fits.scaling import stored_dtype
from galfeat.data.fits.streams import FileBytes, Stamp, open_bytes, stamp_of

__all__ = ["UniformExtensions", "find_uniform_extensions"]

Report = Callable[[str, Mapping[str, str]], None]
_FEWEST = 16  # extensions: with fewer there is nothing to gain
# bytes that are read at once: they stay in the processor's cache until they are converted
_PART = 1 << 19
_VALUE = CARD - 9  # characters of a card behind its keyword and equals sign
_GAP = 4  # times a piece: gaps up to this are read along


@dataclass(frozen=True)
class UniformExtensions:
    """Galaxies in extensions that are stored alike.

    Parameters
    ----------
    path : Path
    stamp : tuple of int
        What tells the file from a changed one.
    count : int
        Galaxies.
    first, step : int
        Where the pixels of the first begin, and how far it is from one to the next, in bytes.
    stored : str
        Type of the stored numbers.
    shape : tuple of int
        (bands, ny, nx).
    bands : tuple of str
    named : bool
        Whether the file names them.
    """

    path: Path
    stamp: Stamp
    count: int
    first: int
    step: int
    stored: str
    shape: tuple[int, ...]
    bands: tuple[str, ...]
    named: bool

    def read(
        self,
        start: int,
        stop: int,
        report: Callable[[str, Mapping[str, str]], None] = lambda *_: None,
    ) -> list[NDArray[np.float32]] | None:
        """Read the pixels of the galaxies `start` to `stop` (excluded).

        `report` is told what is odd about them.

        Returns
        -------
        list of arrays of float32, shapes (some, bands, ny, nx), or None
            Galaxies in order, as many in an array as are read at once; None if the file cannot be
            read or is no longer what it was.
        """
        pixels = []
        item = int(self.stored[2:])
        strides = (prod(self.shape[1:]) * item, self.shape[2] * item, item)
        try:
            # beyond float32 is infinite: a bad pixel
            with self.path.open("rb", buffering=0) as file, np.errstate(all="ignore"):
                if stamp_of(file) != self.stamp:
                    return None
                for part in _parts(
                    file,
                    self.first + start * self.step,
                    self.step,
                    stop - start,
                    prod(self.shape) * item,
                ):
                    stored = np.ndarray(
                        (part.pieces, *self.shape),
                        self.stored,
                        part.buffer,
                        0,
                        (part.apart, *strides),
                    )
                    pixels.append(stored.astype(np.float32, order="C"))
                    if (
                        item == 8
                        and np.isinf(pixels[-1]).any()
                        and np.isfinite(stored[np.isinf(pixels[-1])]).any()
                    ):
                        report(
                            self.path.name,
                            {"overflow": "pixels of it are beyond float32: they are bad pixels"},
                        )
        except (OSError, CutoutError):
            return None
        return pixels


class _Part(NamedTuple):
    """Pieces of a file in a buffer that the next part overwrites: how many, and how far apart."""

    pieces: int
    apart: int
    buffer: memoryview


def _parts(file: FileIO, first: int, step: int, count: int, size: int) -> Iterator[_Part]:
    """Read pieces of `size` bytes, `step` bytes from one to the next: some at a time.

    Small gaps are read along, since one long read takes less time than many short ones.
    """
    apart = step if step <= _GAP * size else size
    each = max(1, min(count, _PART // apart))
    buffer = np.empty(each * apart if apart == step else 0, np.uint8).data
    for at in range(0, count, each):
        some = min(each, count - at)
        if apart < step:
            yield _Part(some, apart, _alone(file, first + at * step, step, some, size))
        else:
            _fill(file, first + at * step, buffer[: (some - 1) * step + size])
            yield _Part(some, apart, buffer)


def _alone(file: FileIO, offset: int, step: int, count: int, size: int) -> memoryview:
    """Return pieces without what is between them."""
    places = range(offset, offset + count * step, step)
    if hasattr(os, "pread"):
        number, read = file.fileno(), os.pread
        pieces = b"".join([read(number, size, place) for place in places])
    else:
        pieces = b"".join([file.read(size) for place in places if file.seek(place) >= 0])
    if len(pieces) != count * size:
        raise CutoutError("became shorter while it was being read")
    return memoryview(pieces)


def _fill(file: FileIO, offset: int, buffer: memoryview) -> None:
    file.seek(offset)
    while buffer:
        count = file.readinto(buffer)
        if not count:
            raise CutoutError("became shorter while it was being read")
        buffer = buffer[count:]


def find_uniform_extensions(
    path: Path, layout: Layout, known: HeaderCache
) -> UniformExtensions | None:
    """Return the galaxies of a file as a row, if they are one.

    The header of each extension is looked at once.

    Parameters
    ----------
    path : Path
    layout : {"auto", "cube", "bands", "galaxies"}
    known : HeaderCache
        Where oddities are reported.
    """
    if layout not in ("auto", "galaxies"):
        return None
    try:
        with open_bytes(path) as source:
            row, image, cards, oddities = _begun(path, source, layout)
        if row is None or cards is None:
            return None
        names = _names(row, cards)
    except (OSError, CutoutError):
        return None
    if names is None or not _are_galaxies(names, image, layout):
        return None
    known.report(path.name, oddities)
    return row


def _begun(
    path: Path, source: FileBytes, layout: Layout
) -> tuple[UniformExtensions | None, ImageInfo, HeaderCards | None, dict[str, str]]:
    """Return what a file is if it goes on as it begins, its first image with the cards of its
    header, and what is odd about it.
    """
    if bytes(source.read(0, 9)) != b"SIMPLE  =":
        raise CutoutError("is not a FITS file")
    reader = HduReader(source)
    head = reader.read(0, 0)
    begin = head.offset
    nothing: tuple[None, ImageInfo, None, dict[str, str]] = None, ImageInfo(0, ()), None, {}
    if (
        source.packed
        or not head.header.true("SIMPLE")
        or head.shape
        or head.size
        or bytes(source.read(begin, 8)) != b"XTENSION"
    ):
        return nothing
    hdu = reader.read(begin, 1)
    cards = hdu.header.cards
    data = prod(hdu.shape) * abs(hdu.bitpix) // 8
    step = hdu.offset - begin + -(-data // BLOCK) * BLOCK
    count, rest = divmod(source.size - begin, step)
    if (
        hdu.kind != "image"
        or hdu.size != data
        or rest
        or count < _FEWEST
        or not isinstance(cards, HeaderCards)
    ):
        return nothing
    image = image_of(hdu, shared_filter(head))
    galaxies = arrange([image._replace(name="")], layout)
    if len(galaxies) != 1 or galaxies[0].problem or galaxies[0].number is not None:
        return nothing
    shape = (prod(hdu.shape[:-2]), *hdu.shape[-2:])
    [galaxy] = galaxies
    row = UniformExtensions(
        path,
        source.stamp,
        count,
        hdu.offset,
        step,
        stored_dtype(hdu.bitpix),
        shape,
        galaxy.bands,
        galaxy.named,
    )
    oddities = {
        kind: words
        for kind, words in FileContents([head, hdu], "").oddities(source.size).items()
        if kind == "double"
    }
    return row, image, cards, oddities


def _names(row: UniformExtensions, cards: HeaderCards) -> bytes | None:
    """Return what stands behind EXTNAME, 71 characters an extension, if all headers are like the
    first; None if one is not.
    """
    stems = [cards.raw[at : at + 8].rstrip() for at in range(0, len(cards.raw), CARD)]
    raw = cards.raw[: (stems.index(b"END") + 1) * CARD]  # what stands behind END is not looked at
    keywords = [stem.upper() for stem in stems[: len(raw) // CARD]]
    if any(SLOW_PATH_KEYWORDS.fullmatch(keyword) for keyword in keywords):
        return None
    place = cards.form.places.get("EXTNAME")
    own = None if place is None else place // CARD
    matter = [
        at
        for at, keyword in enumerate(keywords)
        if LAYOUT_KEYWORDS.fullmatch(keyword) and at != own
    ]
    expected = np.frombuffer(raw, np.uint8).reshape(-1, CARD)
    keys = np.ndarray(len(expected), np.uint64, raw, 0, (CARD,))
    values: list[bytes] = []
    with row.path.open("rb", buffering=0) as file:
        if stamp_of(file) != row.stamp:
            return None
        for part in _parts(file, row.first - len(cards.raw), row.step, row.count, len(raw)):
            headers = np.ndarray(
                (part.pieces, *expected.shape), np.uint8, part.buffer, 0, (part.apart, CARD, 1)
            )
            # keywords, eight letters as one number
            words = np.ndarray(
                (part.pieces, len(expected)), np.uint64, part.buffer, 0, (part.apart, CARD)
            )
            alike = (words == keys).all() and (headers[..., 8:10] == expected[:, 8:10]).all()
            if not (alike and (headers[:, matter] == expected[matter]).all()):
                return None
            if own is not None:
                values.append(headers[:, own, 9:].tobytes())
    return b"".join(values)


def _are_galaxies(values: bytes, image: ImageInfo, layout: Layout) -> bool:
    """Return whether images that differ in their names only are a galaxy each.

    None accompanies one, and they are not its bands.
    """
    names = (
        sorted(
            {
                values[at : at + _VALUE].translate(None, b"0123456789")
                for at in range(0, len(values), _VALUE)
            }
        )
        if values
        else []
    )
    if may_be_ancillary(b"\n".join(names).decode("latin-1")) and any(
        is_ancillary(_text(value)) for value in _each(values)
    ):
        return False
    may_be_bands = (
        layout == "auto" and len(image.shape) == 2 and not image.own_filter and bool(values)
    )
    return not (may_be_bands and all(is_band_name(_text(value)) for value in _each(values)))


def _each(values: bytes) -> Iterator[bytes]:
    return (values[at : at + _VALUE] for at in range(0, len(values), _VALUE))


def _text(value: bytes) -> str:
    return Header({"": value.decode("latin-1")}).text("")
