"""Cutouts around positions in mosaics: only their pixels are read, whatever the mosaic's size.

All positions are converted at once to pixels of each mosaic, by astropy's WCS. Pixels of a cutout
beyond the edge of a mosaic are masked (NaN), and its row has ``edge`` true; a cutout that is wholly
beyond the edge is a failure.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from io import FileIO
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
    is_8_bit,
    may_overflow,
    stored_dtype,
)
from galfeat.data.fits.streams import stamp_of
from galfeat.data.fits.tiles import open_tiles
from galfeat.data.missing import has_equal_pairs
from galfeat.data.sources.base import Failure, Shard
from galfeat.data.sources.mosaics.planes import MosaicPlane
from galfeat.data.sources.row_source import RowSource

__all__ = ["MosaicSource"]

_Reader = Callable[[slice, slice], NDArray[np.generic]]  # rows and columns to stored values
_Window = tuple[int, int, slice, slice]  # galaxy, band, rows, columns


@dataclass(frozen=True, eq=False)
class MosaicSource(RowSource):
    """Cutouts around positions; made by `galfeat.data.open_source`.

    Parameters
    ----------
    planes : tuple of MosaicPlane
    which : array of int, shape (n, bands)
        Index of the plane of each band of each galaxy.
    corners : array of int, shape (n, bands, 2)
        Row and column of the first pixel in that plane; may be outside.
    size : int
        Pixels a side.
    stored_bands : tuple of str
        Names of the bands.
    named : bool
        Whether the files or the catalog name them.
    unplaced : dict of int to str
        Why a row has no position, by row.
    """

    planes: tuple[MosaicPlane, ...] = field(default=(), repr=False)
    which: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 0), np.int64), repr=False)
    corners: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros((0, 0, 2), np.int64), repr=False
    )
    size: int = 0
    stored_bands: tuple[str, ...] = ()
    named: bool = False
    unplaced: dict[int, str] = field(default_factory=dict, repr=False)

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them."""
        return {
            **super().settings,
            "size": str(self.size),
            "own": str(self.stored_bands),
            "named": str(self.named),
        }

    @property
    def _masks_missing(self) -> bool:
        return not any(is_8_bit(plane.hdu) for plane in self.planes)

    def _mask_missing(self, cutouts: list[Cutout]) -> list[Cutout]:
        # the pixels of all cutouts are views of one array, which is tested as a whole
        together = cutouts[0].pixels.base if cutouts else None
        if together is not None and not has_equal_pairs(together):
            return cutouts
        return super()._mask_missing(cutouts)

    def _read_rows(self, shard: Shard) -> Sequence[Cutout | Failure]:
        rows = range(shard.start, min(shard.stop, len(self)))
        maps = self._allocate(rows)
        reasons = self._read_maps(rows, maps)
        found: list[Cutout | Failure] = []
        for index, (row, name) in enumerate(zip(rows, self._ids(shard), strict=True)):
            if row in reasons:
                file, reason = reasons[row]
                found.append(Failure(name, file, "read", reason, row))
            else:
                cutout = maps.cutout(index, self.stored_bands)
                file = self._first_file(row)
                picture = not self._masks_missing
                found.append(
                    replace(cutout, id=name, file=file, named=self.named, row=row, picture=picture)
                )
        return found

    def _read_maps(self, rows: range, maps: "_Maps") -> dict[int, tuple[str, str]]:
        """Read all bands of some galaxies; return file and reason for each row that fails."""
        masks_outside = self.options.missing_bands == "mask"
        reasons: dict[int, tuple[str, str]] = {}
        beyond: dict[int, list[tuple[str, str]]] = {}
        for number in np.unique(self.which[rows.start : rows.stop]).tolist():
            for row, reason, outside in self._fill(number, rows, maps):
                explained = self.planes[number].file, reason
                if outside and masks_outside:
                    beyond.setdefault(row, []).append(explained)
                else:
                    reasons.setdefault(row, explained)
        all_beyond = (row for row, bands in beyond.items() if len(bands) == len(self.stored_bands))
        reasons.update({row: beyond[row][0] for row in all_beyond})
        unplaced = (row for row in rows if row in self.unplaced)
        reasons.update({row: (self._first_file(row), self.unplaced[row]) for row in unplaced})
        return reasons

    def _first_file(self, row: int) -> str:
        return self.planes[int(self.which[row, 0])].file

    def _allocate(self, rows: range) -> "_Maps":
        """Return empty maps of some galaxies: of noise only if all their bands have it."""
        planes = [self.planes[number] for number in np.unique(self.which[rows.start : rows.stop])]
        roles = [{each.role for each in plane.ancillary} for plane in planes]
        shape = (len(rows), len(self.stored_bands), self.size, self.size)
        noise = (
            np.full(shape, np.nan, np.float32)
            if all(present & set(NOISE_ROLES) for present in roles)
            else None
        )
        segments = (
            np.zeros((shape[0], *shape[2:]), np.int32)
            if any("segmentation" in present for present in roles)
            else None
        )
        return _Maps(np.full(shape, np.nan, np.float32), noise, segments)

    def _fill(self, number: int, rows: range, maps: "_Maps") -> Iterator[tuple[int, str, bool]]:
        """Read the pixels of each galaxy in one plane into the maps.

        Yields the rows that cannot be read, each with the reason and whether it lies outside.
        """
        plane = self.planes[number]
        members = [
            (int(index), int(band))
            for index, band in np.argwhere(self.which[rows.start : rows.stop] == number)
        ]
        with ExitStack() as stack:
            try:
                read = stack.enter_context(_opened(plane))
                ancillary = [
                    (*each, stack.enter_context(_opened(each.plane))) for each in plane.ancillary
                ]
            except CutoutError as error:
                yield from (
                    (rows.start + index, self._explain(band, error), False)
                    for index, band in members
                )
                return
            for index, band in members:
                corner = self.corners[rows.start + index, band].tolist()
                try:
                    oddities = _read_into(maps.pixels[index, band], read, plane, corner)
                    self.header_cache.report(plane.file, oddities)
                    for role, other, bits, read_other in ancillary:
                        window, stored = _read_window(read_other, other, corner, self.size)
                        maps.add(role, (index, band, *window), stored, other.hdu, bits)
                except CutoutError as error:
                    outside = isinstance(error, _OutsideError)
                    yield rows.start + index, self._explain(band, error), outside

    def _explain(self, band: int, error: CutoutError) -> str:
        bands = self.stored_bands
        return f"band {bands[band]}: {error}" if len(bands) > 1 else str(error)


class _OutsideError(CutoutError):
    """A cutout without any pixel in the mosaic."""


class _Maps(NamedTuple):
    """Pixels and noise of shape (n, bands, size, size), and segments of shape (n, size, size)."""

    pixels: NDArray[np.float32]
    noise: NDArray[np.float32] | None
    segments: NDArray[np.int32] | None

    def cutout(self, index: int, bands: tuple[str, ...]) -> Cutout:
        """Return one galaxy."""
        noise = None if self.noise is None else self.noise[index]
        return Cutout(
            "",
            self.pixels[index],
            bands,
            noise=noise,
            segmentation=None if self.segments is None else self.segments[index],
        )

    def add(
        self, role: Role, window: _Window, stored: NDArray[np.generic], hdu: Hdu, bits: int | None
    ) -> None:
        """Apply the stored values of an ancillary plane to a window of the maps."""
        index, _, rows, columns = window
        pixels = self.pixels[window]
        if role == "segmentation":
            if self.segments is not None:
                self.segments[index, rows, columns] = segment_labels(exact_values(stored, hdu))
        elif role in NOISE_ROLES:
            sigma = noise_sigma(role, apply_scaling(stored, hdu))
            pixels[np.isnan(sigma)] = np.nan
            if self.noise is not None:
                self.noise[window] = sigma
        else:
            pixels[bad_pixels(exact_values(stored, hdu), bits)] = np.nan


def _read_into(
    pixels: NDArray[np.float32], read: _Reader, plane: MosaicPlane, corner: list[int]
) -> dict[str, str]:
    """Read one band of a cutout into `pixels`; return oddities to report."""
    window, stored = _read_window(read, plane, corner, len(pixels))
    flux = apply_scaling(stored, plane.hdu)
    pixels[window] = flux
    return describe_overflow(flux, stored, plane.hdu) if may_overflow(plane.hdu) else {}


def _read_window(
    read: _Reader, plane: MosaicPlane, corner: list[int], size: int
) -> tuple[tuple[slice, slice], NDArray[np.generic]]:
    """Read the part of a cutout inside a plane; return its window in the cutout, stored values."""
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
def _opened(plane: MosaicPlane) -> Iterator[_Reader]:
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
            yield _WindowReader(file, plane)


class _WindowReader:
    """Reader of windows of an uncompressed image; each window is valid until the next is read."""

    def __init__(self, file: FileIO, plane: MosaicPlane) -> None:
        self._file = file
        self._name = plane.file
        self._dtype = np.dtype(stored_dtype(plane.hdu.bitpix))
        ny, self._nx = plane.shape
        self._buffer: tuple[NDArray[np.generic], list[tuple[memoryview]]] | None = None
        self._start = plane.hdu.offset + plane.number * ny * self._nx * self._dtype.itemsize

    def __call__(self, rows: slice, columns: slice) -> NDArray[np.generic]:
        width, item = columns.stop - columns.start, self._dtype.itemsize
        step = self._nx * item
        window, lines = self._allocate(rows.stop - rows.start, width)
        try:
            count = _read_lines(
                self._file, self._start + rows.start * step + columns.start * item, step, lines
            )
        except OSError as error:
            raise CutoutError(
                f"the mosaic {self._name} cannot be read: {error.strerror or error}"
            ) from error
        if count != window.nbytes:
            raise CutoutError(f"the mosaic {self._name} became shorter while it was being read")
        return window

    def _allocate(
        self, height: int, width: int
    ) -> tuple[NDArray[np.generic], list[tuple[memoryview]]]:
        """Return a buffer for a window, and each line of it; reused while the size is the same."""
        if self._buffer is None or self._buffer[0].shape != (height, width):
            window = np.empty((height, width), self._dtype)
            content, line = window.reshape(-1).view(np.uint8).data, width * self._dtype.itemsize
            lines = [(content[start : start + line],) for start in range(0, height * line, line)]
            self._buffer = window, lines
        return self._buffer


def _read_lines(file: FileIO, offset: int, step: int, lines: list[tuple[memoryview]]) -> int:
    """Read lines that lie `step` bytes apart; return the number of bytes read."""
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
