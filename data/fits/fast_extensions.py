"""Fast path for files of many galaxies in uniform extensions, read as one strided array.

Ten thousand extensions written by one program differ in names and pixels only. The place of each
follows from the first, and it remains to check that it is so: every header must have the keywords
of the first in the same places, and the same values in the cards that determine the layout. A file
that differs in any of this takes the slow path (`galfeat.data.fits.file`).
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
from galfeat.data.fits.ancillary.names import may_have_meaning, parse_name
from galfeat.data.fits.fast_images import LAYOUT_KEYWORDS, SLOW_PATH_KEYWORDS
from galfeat.data.fits.file import FileContents
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.header_forms import BLOCK, CARD, HeaderCards
from galfeat.data.fits.headers import Hdu, HduReader, Header
from galfeat.data.fits.image_info import image_of, shared_filter, shared_meaning, unit_of
from galfeat.data.fits.layouts import ImageInfo, Layout, arrange, is_band_name
from galfeat.data.fits.scaling import stored_dtype
from galfeat.data.fits.streams import FileBytes, Stamp, is_packed, open_bytes, stamp_of

__all__ = ["UniformExtensions", "find_uniform_extensions"]

Report = Callable[[str, Mapping[str, str]], None]
_MIN_EXTENSIONS = 16  # fewer extensions are not worth the check
# bytes of a read: they stay in the processor's cache until they are converted
_CHUNK_BYTES = 1 << 19
_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_VALUE_CHARS = CARD - 9  # characters of a card after the keyword and equals sign
_MAX_GAP = 4  # times the size of a piece: smaller gaps are read and skipped


@dataclass(frozen=True)
class UniformExtensions:
    """Galaxies in extensions that are stored alike.

    Parameters
    ----------
    path : Path
    stamp : tuple of int
        Changes when the file does; see `galfeat.data.fits.streams.stamp_of`.
    count : int
        Number of galaxies.
    first, step : int
        Offset of the first galaxy's pixels, and distance from one to the next, bytes.
    stored : str
        Dtype of the stored numbers.
    shape : tuple of int
        (bands, ny, nx).
    bands : tuple of str
    named : bool
        Whether the file names the bands.
    units : tuple of str
        Unit of each band; empty: none is stated.
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
    units: tuple[str, ...] = ()

    def read(
        self,
        start: int,
        stop: int,
        report: Callable[[str, Mapping[str, str]], None] = lambda *_: None,
        look_at: Callable[[NDArray[np.float32]], None] | None = None,
    ) -> list[NDArray[np.float32]] | None:
        """Read the pixels of the galaxies `start` to `stop` (excluded).

        Parameters
        ----------
        start, stop : int
        report : callable, optional
            Called with the name of the file and its oddities, by kind.
        look_at : callable, optional
            Called with each array as it is read, while it is in the processor's cache.

        Returns
        -------
        list of arrays of float32, shapes (some, bands, ny, nx), or None
            Galaxies in order, one array for each chunk that was read; None if the file cannot be
            read or has changed.
        """
        pixels = []
        item = int(self.stored[2:])
        strides = (prod(self.shape[1:]) * item, self.shape[2] * item, item)
        try:
            # values beyond float32 become infinite: bad pixels
            with self.path.open("rb", buffering=0) as file, np.errstate(all="ignore"):
                if stamp_of(file) != self.stamp:
                    return None
                for chunk in _read_chunks(
                    file,
                    self.first + start * self.step,
                    self.step,
                    stop - start,
                    prod(self.shape) * item,
                ):
                    stored = np.ndarray(
                        (chunk.pieces, *self.shape),
                        self.stored,
                        chunk.buffer,
                        0,
                        (chunk.apart, *strides),
                    )
                    pixels.append(stored.astype(np.float32, order="C"))
                    if look_at is not None:
                        look_at(pixels[-1])
                    if item == 8 and _overflows(pixels[-1], stored):
                        report(
                            self.path.name,
                            {"overflow": "pixels of it are beyond float32: they are bad pixels"},
                        )
        except (OSError, CutoutError):
            return None
        return pixels


def _overflows(pixels: NDArray[np.float32], stored: NDArray[np.generic]) -> bool:
    """Return whether finite stored values became infinite as float32."""
    infinite = np.isinf(pixels)
    return bool(infinite.any() and np.isfinite(stored[infinite]).any())


class _Chunk(NamedTuple):
    """Pieces of a file in a buffer that the next chunk overwrites, and their distance in bytes."""

    pieces: int
    apart: int
    buffer: memoryview


def _read_chunks(file: FileIO, first: int, step: int, count: int, size: int) -> Iterator[_Chunk]:
    """Read pieces of `size` bytes, `step` bytes apart, in chunks that fit the processor's cache.

    Small gaps are read too, since one long read is faster than many short ones.
    """
    apart = step if step <= _MAX_GAP * size else size
    each = max(1, min(count, _CHUNK_BYTES // apart))
    buffer = np.empty(each * apart if apart == step else 0, np.uint8).data
    for at in range(0, count, each):
        some = min(each, count - at)
        if apart < step:
            yield _Chunk(some, apart, _read_separately(file, first + at * step, step, some, size))
        else:
            _read_into(file, first + at * step, buffer[: (some - 1) * step + size])
            yield _Chunk(some, apart, buffer)


def _read_separately(file: FileIO, offset: int, step: int, count: int, size: int) -> memoryview:
    """Return pieces without the gaps between them."""
    places = range(offset, offset + count * step, step)
    if hasattr(os, "pread"):
        number, read = file.fileno(), os.pread
        pieces = b"".join([read(number, size, place) for place in places])
    else:
        pieces = b"".join([file.read(size) for place in places if file.seek(place) >= 0])
    if len(pieces) != count * size:
        raise CutoutError("became shorter while it was being read")
    return memoryview(pieces)


def _read_into(file: FileIO, offset: int, buffer: memoryview) -> None:
    file.seek(offset)
    while buffer:
        count = file.readinto(buffer)
        if not count:
            raise CutoutError("became shorter while it was being read")
        buffer = buffer[count:]


def find_uniform_extensions(
    path: Path, layout: Layout, known: HeaderCache
) -> UniformExtensions | None:
    """Return the galaxies of a file as uniform extensions; None where they are not uniform.

    The header of each extension is compared with the first one once.

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
        if is_packed(path):
            return None
        with open_bytes(path) as source:
            candidate = _read_first(path, source, layout)
        if candidate is None:
            return None
        names = _read_names(candidate.extensions, candidate.cards)
    except (OSError, CutoutError):
        return None
    if names is None or not _are_separate_galaxies(names, candidate.image, layout):
        return None
    known.report(path.name, candidate.oddities)
    return candidate.extensions


class _Candidate(NamedTuple):
    """What a file holds if all its extensions are like the first, with that extension's header."""

    extensions: UniformExtensions
    image: ImageInfo
    cards: HeaderCards
    oddities: dict[str, str]


def _read_first(path: Path, source: FileBytes, layout: Layout) -> _Candidate | None:
    """Return the extensions as extrapolated from the first; None where there is no such pattern."""
    if bytes(source.read(0, 9)) != b"SIMPLE  =":
        raise CutoutError("is not a FITS file")
    reader = HduReader(source)
    primary = reader.read(0, 0)
    if not _is_followed_by_extensions(source, primary):
        return None
    begin = primary.offset
    hdu = reader.read(begin, 1)
    cards = hdu.header.cards
    data = prod(hdu.shape) * abs(hdu.bitpix) // 8
    step = hdu.offset - begin + -(-data // BLOCK) * BLOCK
    count, rest = divmod(source.size - begin, step)
    if (
        hdu.kind != "image"
        or hdu.size != data
        or rest
        or count < _MIN_EXTENSIONS
        or not isinstance(cards, HeaderCards)
    ):
        return None
    image = image_of(hdu, shared_filter(primary), shared_meaning(primary))
    galaxies = arrange([image._replace(name="")], layout)
    if len(galaxies) != 1 or galaxies[0].problem or galaxies[0].number is not None:
        return None
    [galaxy], unit = galaxies, unit_of(hdu, primary)
    extensions = UniformExtensions(
        path,
        source.stamp,
        count,
        hdu.offset,
        step,
        stored_dtype(hdu.bitpix),
        (prod(hdu.shape[:-2]), *hdu.shape[-2:]),
        galaxy.bands,
        galaxy.named,
        (unit,) * len(galaxy.bands) if unit else (),
    )
    oddities = FileContents([primary, hdu], "").oddities(source.size)
    double = {kind: words for kind, words in oddities.items() if kind == "double"}
    return _Candidate(extensions, image, cards, double)


def _is_followed_by_extensions(source: FileBytes, primary: Hdu) -> bool:
    """Return whether a file begins with an empty primary HDU and extensions."""
    return (
        primary.header.true("SIMPLE")
        and not primary.shape
        and not primary.size
        and bytes(source.read(primary.offset, 8)) == b"XTENSION"
    )


class _Template(NamedTuple):
    """The first extension's header, in the form in which all others are compared with it."""

    raw: bytes
    cards: NDArray[np.uint8]  # (cards, 80)
    keywords: NDArray[np.uint64]  # eight letters of each card as one number
    decisive: list[int]  # cards whose values must be the same
    name_card: int | None  # of EXTNAME


def _template(cards: HeaderCards) -> _Template | None:
    """Return what headers are compared with; None if the image needs the slow path."""
    stems = [cards.raw[at : at + 8].rstrip() for at in range(0, len(cards.raw), CARD)]
    raw = cards.raw[: (stems.index(b"END") + 1) * CARD]  # whatever follows END is not compared
    if raw[-CARD:].rstrip() != b"END":
        return None
    keywords = [stem.strip().upper() for stem in stems[: len(raw) // CARD]]
    if any(SLOW_PATH_KEYWORDS.fullmatch(keyword) for keyword in keywords):
        return None
    place = cards.form.places.get("EXTNAME")
    own = None if place is None else place // CARD
    decisive = [
        at
        for at, keyword in enumerate(keywords)
        if LAYOUT_KEYWORDS.fullmatch(keyword) and at != own
    ]
    expected = np.frombuffer(raw, np.uint8).reshape(-1, CARD)
    keys = np.ndarray(len(expected), np.uint64, raw, 0, (CARD,))
    return _Template(raw, expected, keys, decisive, own)


def _read_names(extensions: UniformExtensions, cards: HeaderCards) -> bytes | None:
    """Return the values of EXTNAME, 71 characters an extension; None if a header differs."""
    first = _template(cards)
    if first is None:
        return None
    values: list[bytes] = []
    with extensions.path.open("rb", buffering=0) as file:
        if stamp_of(file) != extensions.stamp:
            return None
        for chunk in _read_chunks(
            file,
            extensions.first - len(cards.raw),
            extensions.step,
            extensions.count,
            len(first.raw),
        ):
            headers = np.ndarray(
                (chunk.pieces, *first.cards.shape),
                np.uint8,
                chunk.buffer,
                0,
                (chunk.apart, CARD, 1),
            )
            keywords = np.ndarray(
                (chunk.pieces, len(first.cards)), np.uint64, chunk.buffer, 0, (chunk.apart, CARD)
            )
            alike = (keywords == first.keywords).all()
            alike = alike and (headers[..., 8:10] == first.cards[:, 8:10]).all()
            if not (alike and (headers[:, first.decisive] == first.cards[first.decisive]).all()):
                return None
            if first.name_card is not None:
                values.append(headers[:, first.name_card, 9:].tobytes())
    return b"".join(values)


def _are_separate_galaxies(values: bytes, image: ImageInfo, layout: Layout) -> bool:
    """Return whether images that differ only in name are one galaxy each.

    None may be ancillary, all or none are called images of the sky, and they may not be the bands
    of one galaxy.
    """
    alike = values.translate(_ONE_DIGIT)
    first = alike[:_VALUE_CHARS]
    if alike == first * (len(alike) // _VALUE_CHARS):  # names that are numbered
        distinct = {first} - {b""}
    else:
        distinct = set(_split_values(alike))
    names = sorted({value.translate(None, b"0") for value in distinct})
    if may_have_meaning(b"\n".join(names).decode("latin-1")):
        meanings = {parse_name(_parse_text(value)).meaning for value in _split_values(values)}
        if meanings not in ({""}, {"science"}):
            return False
    may_be_bands = (
        layout == "auto" and len(image.shape) == 2 and not image.own_filter and bool(values)
    )
    return not (
        may_be_bands and all(is_band_name(_parse_text(value)) for value in _split_values(values))
    )


def _split_values(values: bytes) -> Iterator[bytes]:
    return (values[at : at + _VALUE_CHARS] for at in range(0, len(values), _VALUE_CHARS))


def _parse_text(value: bytes) -> str:
    return Header({"": value.decode("latin-1")}).text("")
