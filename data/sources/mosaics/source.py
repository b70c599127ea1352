"""Cutouts around positions in mosaics: only their pixels are read, whatever the mosaic's size.

All positions are converted at once to pixels of each mosaic, by astropy's WCS. Pixels of a cutout
beyond the edge of a mosaic are masked (NaN), and its row has ``edge`` true; a cutout that is wholly
beyond the edge is a failure.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import FileIO
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout, unchecked_cutout
from galfeat.data.fits.ancillary.apply import (
    NOISE_ROLES,
    PixelPlanes,
    bad_pixels,
    noise_sigma,
    segment_labels,
)
from galfeat.data.fits.ancillary.names import Role
from galfeat.data.fits.headers import Hdu
from galfeat.data.fits.scaling import (
    apply_scaling,
    describe_overflow,
    exact_values,
    is_8_bit,
    linear_flux,
    may_overflow,
    stored_dtype,
)
from galfeat.data.fits.streams import stamp_of
from galfeat.data.fits.tiles import open_tiles
from galfeat.data.grids.align import resample_planes
from galfeat.data.grids.pixel_maps import PixelMap, pixel_side
from galfeat.data.grids.pixel_scale import on_pixels_of
from galfeat.data.grids.wcs_cards import celestial_wcs
from galfeat.data.memory import BUDGET
from galfeat.data.missing import has_equal_pairs, mask_missing
from galfeat.data.sources.base import Failure, Shard
from galfeat.data.sources.mosaics.placing import Places
from galfeat.data.sources.mosaics.planes import MosaicPlane
from galfeat.data.sources.row_source import RowSource

__all__ = ["MosaicSource"]

# upper bounds of the memory for a pixel of a cutout: of each band, with its noise; and of the
# window that is being read, and the segments
_PLANE_BYTES, _WINDOW_BYTES = 8, 20
_Reader = Callable[[slice, slice], NDArray[np.generic]]  # rows and columns to stored values
_Window = tuple[int, int, slice, slice]  # galaxy, band, rows, columns
_Opened = tuple[MosaicPlane, _Reader]
_OpenedAncillary = tuple[Role, MosaicPlane, int | None, _Reader]
_MAX_STRETCH, _MARGIN = 4, 8  # side of a window that is resampled, sides of the cutout and pixels
_NOWHERE = Places(np.zeros((0, 0, 2), np.int64), np.zeros((0, 1, 1, 2)), np.zeros((0, 0), np.int64))


@dataclass(frozen=True, eq=False)
class MosaicSource(RowSource):
    """Cutouts around positions; made by `galfeat.data.open_source`.

    Parameters
    ----------
    planes : tuple of MosaicPlane
    which : array of int, shape (n, bands)
        Index of the plane of each band of each galaxy.
    places : Places
        Where each galaxy lies in these planes.
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
    places: Places = field(default=_NOWHERE, repr=False)
    size: int = 0
    stored_bands: tuple[str, ...] = ()
    named: bool = False
    unplaced: dict[int, str] = field(default_factory=dict, repr=False)

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the bands of the first galaxy; empty: none is stated."""
        units = tuple(self.planes[number].unit for number in self.which[0].tolist())
        stated = dict(zip(self.stored_bands, units, strict=True))
        selected = tuple(stated.get(band, "") for band in self.bands)
        return selected if any(selected) else ()

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them."""
        return {
            **super().settings,
            "size": str(self.size),
            "own": str(self.stored_bands),
            "named": str(self.named),
            **({"mixed_units": "True"} if self.options.mixed_units else {}),
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
        planes = self.size**2 * (_PLANE_BYTES * len(self.stored_bands) + _WINDOW_BYTES)
        try:
            with BUDGET.reserve(len(rows) * planes):
                return self._read_together(rows)
        except CutoutError as error:
            if len(rows) == 1:
                name, file = self._ids(shard)[0], self._first_file(shard.start)
                return [Failure(name, file, "read", str(error), shard.start)]
        middle = (rows.start + rows.stop) // 2
        halves = Shard(rows.start, middle), Shard(middle, rows.stop)
        return [found for half in halves for found in self._read_rows(half)]

    def _read_together(self, rows: range) -> Sequence[Cutout | Failure]:
        maps = self._allocate(rows)
        reasons = self._read_maps(rows, maps)
        picture = not self._masks_missing
        found: list[Cutout | Failure] = []
        for index, (row, name) in enumerate(
            zip(rows, self._ids(Shard(rows.start, rows.stop)), strict=True)
        ):
            if row in reasons:
                file, reason = reasons[row]
                found.append(Failure(name, file, "read", reason, row))
            else:
                planes = maps.planes(index, self.stored_bands, named=self.named)
                units = tuple([self.planes[number].unit for number in self.which[row].tolist()])
                if self.options.calibration:
                    planes = self._calibrated(planes, row)
                found.append(
                    unchecked_cutout(
                        name,
                        planes._replace(units=units if any(units) else (), picture=picture),
                        self._first_file(row),
                        row,
                    )
                )
        return found

    def _calibrated(self, found: PixelPlanes, row: int) -> PixelPlanes:
        """Return the pixels of a galaxy with what headers state of coordinates and flux."""
        planes = [self.planes[number] for number in self.which[row].tolist()]
        own = self.places.map_of[row] < 0  # windows of the plane, on the grid of the cutout
        grid = planes[int(np.argmax(own))].grid
        keywords = [plane.keywords for plane in planes]
        if not own.all():
            side = pixel_side(celestial_wcs(grid))
            for number in np.flatnonzero(~own).tolist():
                factor = (side / pixel_side(celestial_wcs(planes[number].grid))) ** 2
                keywords[number] = on_pixels_of(keywords[number], factor)
        return found._replace(grid=grid, keywords=tuple(keywords))

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
        missing = np.zeros(shape[:2], np.int64)
        return _Maps(np.full(shape, np.nan, np.float32), noise, segments, missing)

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
                row, where = rows.start + index, (index, band)
                try:
                    map_of = int(self.places.map_of[row, band])
                    if map_of < 0:
                        corner = self.places.corners[row, band].tolist()
                        oddities = _read_plane(maps, where, corner, (plane, read), ancillary)
                    else:
                        nodes = self.places.nodes[map_of]
                        oddities = self._resample(maps, where, nodes, (plane, read), ancillary)
                    self.header_cache.report(plane.file, oddities)
                except CutoutError as error:
                    outside = isinstance(error, _OutsideError)
                    yield rows.start + index, self._explain(band, error), outside

    def _resample(
        self,
        maps: "_Maps",
        where: tuple[int, int],
        nodes: NDArray[np.float64],
        source: "_Opened",
        ancillary: "Sequence[_OpenedAncillary]",
    ) -> dict[str, str]:
        """Read a band of a galaxy from a plane on another grid; return oddities to report.

        Parameters
        ----------
        maps : _Maps
            The result is written into them.
        where : (int, int)
            Galaxy and band.
        nodes : array, shape (5, 5, 2)
            Map to the plane.
        source, ancillary
            The plane and its ancillary planes, opened.
        """
        # imported late: numba, which mosaics on one grid do not need
        from galfeat.data.grids.resampling import resample_labels

        plane = source[0]
        first = np.floor(nodes.min(axis=(0, 1))).astype(np.int64) - 1
        side = int((np.ceil(nodes.max(axis=(0, 1))).astype(np.int64) + 2 - first).max())
        if side > _MAX_STRETCH * self.size + _MARGIN:
            raise CutoutError(f"its coordinates in {plane.file} are too distorted to be resampled")
        window = maps.one_band(side)
        oddities = _read_plane(window, (0, 0), [int(first[1]), int(first[0])], source, ancillary)
        there = PixelMap(nodes - first, (self.size, self.size))
        # before the pixels are resampled, which would blur the edges of missing data
        pixels = window.pixels[0]
        if self._masks_missing and self.options.ancillary.mask_missing:
            pixels, missing = mask_missing(pixels)
            if missing:
                masked = (np.isnan(pixels[0]) & ~np.isnan(window.pixels[0, 0])).astype(np.int32)
                there_masked = resample_labels(masked, there.centers())
                maps.missing[where] = np.count_nonzero(there_masked)
        found = resample_planes(
            PixelPlanes(
                pixels,
                ("",),
                False,
                None if window.noise is None else window.noise[0],
                None if window.segments is None else window.segments[0],
                (plane.unit,),
            ),
            there,
        )
        maps.pixels[where] = found.pixels[0]
        if maps.noise is not None and found.noise is not None:
            maps.noise[where] = found.noise[0]
        segmented = any(role == "segmentation" for role, *_ in ancillary)
        if segmented and maps.segments is not None and found.segmentation is not None:
            maps.segments[where[0]] = found.segmentation
        return oddities

    def _explain(self, band: int, error: CutoutError) -> str:
        bands = self.stored_bands
        return f"band {bands[band]}: {error}" if len(bands) > 1 else str(error)


class _OutsideError(CutoutError):
    """A cutout without any pixel in the mosaic."""


class _Maps(NamedTuple):
    """Pixels and noise of shape (n, bands, size, size), and segments of shape (n, size, size).

    `missing`, of shape (n, bands), counts the missing data that were masked on another grid.
    """

    pixels: NDArray[np.float32]
    noise: NDArray[np.float32] | None
    segments: NDArray[np.int32] | None
    missing: NDArray[np.int64]

    def one_band(self, size: int) -> "_Maps":
        """Return empty maps of one band of one galaxy, of another size."""
        empty = np.full((1, 1, size, size), np.nan, np.float32)
        segments = None if self.segments is None else np.zeros((1, size, size), np.int32)
        noise = None if self.noise is None else empty.copy()
        return _Maps(empty, noise, segments, np.zeros((1, 1), np.int64))

    def planes(self, index: int, bands: tuple[str, ...], *, named: bool) -> PixelPlanes:
        """Return one galaxy."""
        missing = tuple(self.missing[index].tolist())
        return PixelPlanes(
            self.pixels[index],
            bands,
            named,
            None if self.noise is None else self.noise[index],
            None if self.segments is None else self.segments[index],
            missing=missing if any(missing) else (),
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


def _read_plane(
    maps: _Maps,
    where: tuple[int, int],
    corner: list[int],
    source: _Opened,
    ancillary: Sequence[_OpenedAncillary],
) -> dict[str, str]:
    """Read a window of a plane and of its ancillary planes into maps; return oddities to report."""
    plane, read = source
    pixels = maps.pixels[where]
    oddities = _read_into(pixels, read, plane, corner)
    for role, other, bits, read_other in ancillary:
        window, stored = _read_window(read_other, other, corner, len(pixels))
        maps.add(role, (*where, *window), stored, other.hdu, bits)
    return oddities


def _read_into(
    pixels: NDArray[np.float32], read: _Reader, plane: MosaicPlane, corner: list[int]
) -> dict[str, str]:
    """Read one band of a cutout into `pixels`; return oddities to report."""
    window, stored = _read_window(read, plane, corner, len(pixels))
    flux = linear_flux(apply_scaling(stored, plane.hdu), plane.hdu)
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
