"""Cutouts around positions in mosaics: only their pixels are read, whatever the size of the mosaic.

Where a position lies is found at once for all positions, by astropy's celestial coordinates of each
mosaic. What a cutout has beyond the edge of a mosaic is NaN, which is how a bad pixel is said, and
its row has ``edge`` true; what lies wholly beyond it cannot be read.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout
from galfeat.data.fits.ancillary import NOISE_ROLES, bad_pixels, noise_sigma, segment_labels
from galfeat.data.fits.ancillary_names import Role
from galfeat.data.fits.headers import Hdu
from galfeat.data.fits.scaling import (
    apply_scaling,
    describe_overflow,
    exact_values,
    may_overflow,
    stored_dtype,
)
from galfeat.data.fits.streams import Stamp, stamp_of
from galfeat.data.fits.tiles import open_tiles
from galfeat.data.sources.base import Failure, Shard
from galfeat.data.sources.row_source import RowSource

__all__ = ["NOWHERE", "MosaicSource", "Plane"]

NOWHERE = -(1 << 40)
"""Corner of a position that a mosaic's projection does not reach, far outside any of them."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One band of a mosaic.

    Parameters
    ----------
    path : Path
    file : str
        Its name in reasons and tables.
    stamp : tuple of int
        What tells the file from a changed one.
    hdu : Hdu
    number : int
        Place on the third axis of a cube.
    band : str
    beside : tuple of (str, Plane, int or None)
        What accompanies it in its file: what that holds, where, and the bits that are bad; see
        `galfeat.data.fits.ancillary`.
    """

    path: Path
    file: str
    stamp: Stamp
    hdu: Hdu
    number: int
    band: str
    beside: tuple[tuple[Role, "Plane", int | None], ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        ny, nx = self.hdu.shape[-2:]
        return ny, nx


_Reader = Callable[[slice, slice], NDArray[np.generic]]  # rows and columns to stored numbers
_Place = tuple[int, int, slice, slice]  # galaxy, band, rows, columns


@dataclass(frozen=True, eq=False)
class MosaicSource(RowSource):
    """Cutouts around positions; made by `galfeat.data.open_source`.

    Parameters
    ----------
    planes : tuple of Plane
    which : array of int, shape (n, bands)
        Which plane has each band of each galaxy.
    corners : array of int, shape (n, bands, 2)
        Row and column of the first pixel in that plane; may be outside.
    size : int
        Pixels a side.
    own : tuple of str
        Names of the bands.
    named : bool
        Whether files or catalogue name them.
    nowhere : dict of int to str
        Rows without a position, and why.
    """

    planes: tuple[Plane, ...] = field(default=(), repr=False)
    which: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64), repr=False)
    corners: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((0, 0, 2), np.int64), repr=False
    )
    size: int = 0
    own: tuple[str, ...] = ()
    named: bool = False
    nowhere: dict[int, str] = field(default_factory=dict, repr=False)

    def _outcomes(self, shard: Shard) -> Sequence[Cutout | Failure]:
        rows = range(shard.start, min(shard.stop, len(self)))
        maps = self._room(rows)
        reasons: dict[int, tuple[str, str]] = {}
        beyond: dict[int, list[tuple[str, str]]] = {}
        for number in np.unique(self.which[rows.start : rows.stop]).tolist():
            for row, reason, outside in self._fill(number, rows, maps):
                said = self.planes[number].file, reason
                if outside and self.missing_bands == "mask":
                    beyond.setdefault(row, []).append(said)
                else:
                    reasons.setdefault(row, said)
        reasons.update(
            {row: bands[0] for row, bands in beyond.items() if len(bands) == len(self.own)}
        )
        reasons.update(
            {
                row: (self.planes[self.which[row, 0]].file, self.nowhere[row])
                for row in rows
                if row in self.nowhere
            }
        )
        found: list[Cutout | Failure] = []
        for at, (row, name) in enumerate(zip(rows, self._ids(shard), strict=True)):
            if row in reasons:
                file, reason = reasons[row]
                found.append(Failure(name, file, "read", reason, row))
            else:
                file = self.planes[self.which[row, 0]].file
                found.append(
                    replace(
                        maps.cutout(at, self.own), id=name, file=file, named=self.named, row=row
                    )
                )
        return found

    def _room(self, rows: range) -> "_Maps":
        """Return room for what some galaxies have.

        For noise only if all bands of all of them have it.
        """
        planes = [self.planes[number] for number in np.unique(self.which[rows.start : rows.stop])]
        roles = [{role for role, _, _ in plane.beside} for plane in planes]
        shape = (len(rows), len(self.own), self.size, self.size)
        noise = (
            np.full(shape, np.nan, np.float32)
            if all(own & set(NOISE_ROLES) for own in roles)
            else None
        )
        segments = (
            np.zeros((shape[0], *shape[2:]), np.int32)
            if any("segmentation" in own for own in roles)
            else None
        )
        return _Maps(np.full(shape, np.nan, np.float32), noise, segments)

    def _fill(self, number: int, rows: range, maps: "_Maps") -> Iterator[tuple[int, str, bool]]:
        """Read what one plane has of each galaxy.

        Yield the rows for which it cannot, with the reason, and whether they lie outside.
        """
        plane = self.planes[number]
        wanted = [
            (int(row), int(band))
            for row, band in np.argwhere(self.which[rows.start : rows.stop] == number)
        ]
        with ExitStack() as stack:
            try:
                read = stack.enter_context(_opened(plane))
                beside = [
                    (role, other, bits, stack.enter_context(_opened(other)))
                    for role, other, bits in plane.beside
                ]
            except CutoutError as error:
                yield from (
                    (rows.start + at, self._said(band, str(error)), False) for at, band in wanted
                )
                return
            for at, band in wanted:
                corner = self.corners[rows.start + at, band].tolist()
                try:
                    self.known.report(plane.file, _copy(read, plane, corner, maps.pixels[at, band]))
                    for role, other, bits, read_other in beside:
                        window, stored = _stored(read_other, other, corner, self.size)
                        maps.add(role, (at, band, *window), stored, other.hdu, bits)
                except CutoutError as error:
                    yield (
                        rows.start + at,
                        self._said(band, str(error)),
                        isinstance(error, _OutsideError),
                    )

    def _said(self, band: int, reason: str) -> str:
        return f"band {self.own[band]}: {reason}" if len(self.own) > 1 else reason


class _OutsideError(CutoutError):
    """A cutout of which no pixel is in the mosaic."""


class _Maps(NamedTuple):
    """What galaxies have: pixels and noise of shape (n, bands, size, size), segments of shape (n,
    size, size).
    """

    pixels: NDArray[np.float32]
    noise: NDArray[np.float32] | None
    segments: NDArray[np.int32] | None

    def cutout(self, at: int, bands: tuple[str, ...]) -> Cutout:
        """Return one galaxy."""
        noise = None if self.noise is None else self.noise[at]
        return Cutout(
            "",
            self.pixels[at],
            bands,
            noise=noise,
            segmentation=None if self.segments is None else self.segments[at],
        )

    def add(
        self, role: Role, place: _Place, stored: NDArray[np.generic], hdu: Hdu, bits: int | None
    ) -> None:
        """Put a piece of a companion where it belongs."""
        at, _, rows, columns = place
        pixels = self.pixels[place]
        if role == "segmentation":
            if self.segments is not None:
                self.segments[at, rows, columns] = segment_labels(exact_values(stored, hdu))
        elif role in NOISE_ROLES:
            sigma = noise_sigma(role, apply_scaling(stored, hdu))
            pixels[np.isnan(sigma)] = np.nan
            if self.noise is not None:
                self.noise[place] = sigma
        else:
            pixels[bad_pixels(exact_values(stored, hdu), bits)] = np.nan


def _copy(
    read: _Reader, plane: Plane, corner: list[int], into: NDArray[np.float32]
) -> dict[str, str]:
    """Read a cutout; return what is odd about it."""
    window, stored = _stored(read, plane, corner, len(into))
    flux = apply_scaling(stored, plane.hdu)
    into[window] = flux
    return describe_overflow(flux, stored, plane.hdu) if may_overflow(plane.hdu) else {}


def _stored(
    read: _Reader, plane: Plane, corner: list[int], size: int
) -> tuple[tuple[slice, slice], NDArray[np.generic]]:
    """Read what a plane has of a cutout.

    Return where in the cutout that is, and its stored numbers.
    """
    (top, bottom), (left, right) = (
        (max(0, first), min(length, first + size))
        for first, length in zip(corner, plane.shape, strict=True)
    )
    if top >= bottom or left >= right:
        ny, nx = plane.shape
        raise _OutsideError(f"lies outside the mosaic {plane.file}, which has {ny} x {nx} pixels")
    y, x = top - corner[0], left - corner[1]
    window = slice(y, y + bottom - top), slice(x, x + right - left)
    return window, read(slice(top, bottom), slice(left, right))


@contextmanager
def _opened(plane: Plane) -> Iterator[_Reader]:
    try:
        file = plane.path.open("rb", buffering=0)
    except OSError as error:
        raise CutoutError(
            f"the mosaic {plane.file} cannot be read: {error.strerror or error}"
        ) from error
    with file:
        if stamp_of(file) != plane.stamp:
            raise CutoutError(f"the mosaic {plane.file} has changed since it was opened")
        if plane.hdu.kind == "tiles":
            with open_tiles(plane.path, plane.hdu, plane.number) as read:
                yield read
        else:
            yield _Rows(file, plane)


class _Rows:
    """Reads pieces of an image row by row; a piece is good until the next one is read."""

    def __init__(self, file: FileIO, plane: Plane) -> None:
        self._file = file
        self._name = plane.file
        self._kind = np.dtype(stored_dtype(plane.hdu.bitpix))
        ny, self._nx = plane.shape
        self._last: tuple[NDArray[np.generic], list[tuple[memoryview]]] | None = None
        self._start = plane.hdu.offset + plane.number * ny * self._nx * self._kind.itemsize

    def __call__(self, rows: slice, columns: slice) -> NDArray[np.generic]:
        width, item = columns.stop - columns.start, self._kind.itemsize
        step = self._nx * item
        piece, lines = self._room(rows.stop - rows.start, width)
        try:
            count = _read_lines(
                self._file, self._start + rows.start * step + columns.start * item, step, lines
            )
        except OSError as error:
            raise CutoutError(
                f"the mosaic {self._name} cannot be read: {error.strerror or error}"
            ) from error
        if count != piece.nbytes:
            raise CutoutError(f"the mosaic {self._name} became shorter while it was being read")
        return piece

    def _room(self, height: int, width: int) -> tuple[NDArray[np.generic], list[tuple[memoryview]]]:
        """Return room for a piece, and each line of it: the same as long as the size is the
        same.
        """
        if self._last is None or self._last[0].shape != (height, width):
            piece = np.empty((height, width), self._kind)
            content, line = piece.reshape(-1).view(np.uint8).data, width * self._kind.itemsize
            self._last = piece, [(content[at : at + line],) for at in range(0, height * line, line)]
        return self._last


def _read_lines(file: FileIO, offset: int, step: int, lines: list[tuple[memoryview]]) -> int:
    """Read pieces that lie `step` bytes apart; return how many bytes there were."""
    count = 0
    if hasattr(os, "preadv"):
        number, read = file.fileno(), os.preadv
        for line in lines:
            count += read(number, line, offset)
            offset += step
        return count
    for line in lines:
        file.seek(offset)
        count += file.readinto(line[0]) or 0
        offset += step
    return count
