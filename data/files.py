"""Cutouts that lie in files: a source that knows which file each entry is in, and opens none of them until it is read."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from galfeat import CutoutError
from galfeat.data.choosing import with_bands
from galfeat.data.cutouts import Cutout, cutouts_of, known_to_fit
from galfeat.data.failures import Failure
from galfeat.data.fits import FitsFile, Pixels
from galfeat.data.folders import is_picture
from galfeat.data.known import Known
from galfeat.data.layouts import Galaxy, Layout, size_of
from galfeat.data.pictures import read_picture
from galfeat.data.plain import PlainReader
from galfeat.data.rows import Row
from galfeat.data.shards import Reading, Shard, cut_shards

__all__ = ["FileSource"]


class _Entry(NamedTuple):
    row: int
    id: str
    files: tuple[str, ...]
    hdu: int | None
    number: int | None


class _Picture:
    """A picture behind the same door as a FITS file."""

    def __init__(self, path: Path) -> None:
        self._pixels = read_picture(path)

    def galaxies(self, layout: Layout = "auto", hdu: int | None = None) -> list[Galaxy]:  # noqa: ARG002 - a picture has one layout
        if hdu:
            raise CutoutError(f"has no extension {hdu}: it is a picture")
        return [Galaxy((0,))]

    def load(self, galaxy: Galaxy) -> Pixels:  # noqa: ARG002 - there is one
        return self._pixels


@dataclass(frozen=True, eq=False)
class FileSource:
    """Cutouts in FITS files and pictures.

    Made by `galfeat.data.open_source`. It can be sent to another process or thread and be read there.

    Parameters
    ----------
    folder : Path
        Where the paths of the catalogue start.
    catalog : pyarrow.Table
        One row an entry, with the columns ``id`` and those of `columns`; ``hdu`` chooses one image of a file.
    columns : mapping of str to str
        Column of the file for each band; the band ``""`` is all bands in one file.
    layout : {"auto", "cube", "bands", "galaxies"}
    wanted : tuple of str
        Bands asked for, in order; none: as they come.
    numbers : tuple of int, optional
        For each entry, which galaxy of its file it is; otherwise an entry is all galaxies of its file.
    row : Row, optional
        The galaxies of the one file, where all are stored alike; read the long way if the file is no longer what it was.
    left_out : tuple of str
        Companion files of the folder that are no galaxies.
    left_out_columns : tuple of str
        Columns of the catalogue that hold no single value a row.
    known : Known
        What was found in files of many galaxies, so that shards do not look through them again.
    """

    folder: Path
    catalog: pa.Table = field(repr=False)
    columns: Mapping[str, str]
    layout: Layout = "auto"
    wanted: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = field(default=None, repr=False)
    row: Row | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    left_out_columns: tuple[str, ...] = ()
    known: Known = field(default_factory=Known, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "known": Known()}  # to be found out again rather than sent along

    def __len__(self) -> int:
        return int(self.catalog.num_rows)

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands asked for, or those of the first cutout that can be read; none if none can."""
        if self.wanted:
            return self.wanted
        readings = (self.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    def shards(self, size: int = 256) -> list[Shard]:
        """Return runs of `size` entries that together are the source."""
        return cut_shards(len(self), size)

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard; each file is opened once.

        An entry whose file holds several galaxies gives a cutout each, named ``id[0]``, ``id[1]`` and so on.
        """
        quick = self._read_row(shard)
        if quick is not None:
            return Reading(quick)
        reader = PlainReader(self.folder, self.layout, self.known)
        outcomes: dict[int, list[Cutout | Failure]] = {row: [cutout] for row, cutout in self._read_whole(shard, reader)}
        if len(outcomes) == len(shard):
            return Reading([cutout for [cutout] in outcomes.values() if isinstance(cutout, Cutout)])
        by_files: dict[tuple[str, ...], list[_Entry]] = {}
        for entry in self._entries(shard):
            if entry.row not in outcomes:
                by_files.setdefault(entry.files, []).append(entry)
        for files, entries in by_files.items():
            plain = self._read_plain(entries[0], reader) if len(entries) == 1 else None
            if plain is None:
                outcomes.update(self._read_files(files, entries))
            else:
                outcomes[entries[0].row] = [plain]
        found = [outcome for row in sorted(outcomes) for outcome in outcomes[row]]
        cutouts = [each for each in found if isinstance(each, Cutout)]
        return Reading(cutouts, [each for each in found if isinstance(each, Failure)])

    def _read_whole(self, shard: Shard, reader: PlainReader) -> Iterator[tuple[int, Cutout]]:
        """Read the plain images that are a galaxy a file: those of them that have the bands asked for."""
        if "" not in self.columns or self.numbers or "hdu" in self.catalog.column_names:
            return
        part = self.catalog.slice(shard.start, len(shard))
        ids, files = (part.column(column).to_pylist() for column in ("id", self.columns[""]))
        for row, name, file in zip(range(shard.start, shard.stop), ids, files, strict=False):
            found = reader.read(file) if file else None
            if found is not None and (not self.wanted or (found.named and found.bands == self.wanted)):
                yield row, known_to_fit(name, found, file, row)

    def _read_row(self, shard: Shard) -> list[Cutout] | None:
        """Return the cutouts of a shard out of one file that holds them all alike; None if there is more to it."""
        numbers = self.numbers and self.numbers[shard.start : shard.stop]
        if self.row is None or not numbers or numbers != tuple(range(numbers[0], numbers[0] + len(shard))):
            return None
        parts = self.row.read(numbers[0], numbers[0] + len(shard)) if numbers[-1] < self.row.count else None
        if parts is None:
            return None
        places = np.arange(self.row.shape[0], dtype=np.float32).reshape(-1, 1, 1)
        try:
            like = with_bands(Cutout("", places, self.row.bands, file=self.row.path.name, named=self.row.named), self.wanted)
        except CutoutError:
            return None  # the long way says so of each
        order = like.pixels[:, 0, 0].astype(int).tolist()
        if order != list(range(self.row.shape[0])):
            parts = [part[:, order] for part in parts]
        ids = self.catalog.column("id")[shard.start : shard.stop].to_pylist()
        return cutouts_of(parts, ids, shard.start, like)

    def _entries(self, shard: Shard) -> Iterator[_Entry]:
        part = self.catalog.slice(shard.start, len(shard))
        files = zip(*(part.column(column).to_pylist() for column in self.columns.values()), strict=True)
        hdus = part.column("hdu").to_pylist() if "hdu" in part.column_names else [None] * part.num_rows
        for row, (name, paths, hdu) in enumerate(zip(part.column("id").to_pylist(), files, hdus, strict=True), start=shard.start):
            yield _Entry(row, name, paths, hdu, self.numbers[row] if self.numbers else None)

    def _read_plain(self, entry: _Entry, reader: PlainReader) -> Cutout | None:
        """Return the cutout if all its files are plain images, without opening them the long way; None if there is more to it."""
        if entry.hdu is not None or entry.number:
            return None
        loaded: dict[str, Pixels] = {}
        for band, file in zip(self.columns, entry.files, strict=True):
            found = reader.read(file) if file else None
            if found is None or (band and len(found.bands) != 1):
                return None
            loaded[band] = found
        try:
            return self._joined(entry.id, entry, loaded)
        except CutoutError:
            return None  # the long way says why

    def _joined(self, name: str, entry: _Entry, loaded: Mapping[str, Pixels]) -> Cutout:
        found = _together(loaded)
        if not self.wanted or (found.named and found.bands == self.wanted):
            return known_to_fit(name, found, entry.files[0], entry.row)
        return with_bands(Cutout(name, found.pixels, found.bands, file=entry.files[0], named=found.named, row=entry.row), self.wanted)

    def _read_files(self, files: tuple[str, ...], entries: Sequence[_Entry]) -> dict[int, list[Cutout | Failure]]:
        with ExitStack() as stack:
            opened: dict[str, FitsFile | _Picture] = {}
            for band, file in zip(self.columns, files, strict=True):
                try:
                    opened[band] = stack.enter_context(_opened(self.folder, file, self.known))
                except CutoutError as error:
                    return {entry.row: [_failure(entry, entry.id, band, file, error)] for entry in entries}
            return {entry.row: self._read_entry(entry, opened) for entry in entries}

    def _read_entry(self, entry: _Entry, opened: Mapping[str, FitsFile | _Picture]) -> list[Cutout | Failure]:
        found: dict[str, list[Galaxy]] = {}
        for (band, source), file in zip(opened.items(), entry.files, strict=True):
            try:
                found[band] = source.galaxies(self.layout, entry.hdu)
            except CutoutError as error:
                return [_failure(entry, entry.id, band, file, error)]
        try:
            galaxies = _paired(found, entry.number)
        except CutoutError as error:
            return [_failure(entry, entry.id, "", entry.files[0], error)]
        names = [entry.id] if len(galaxies) == 1 else [f"{entry.id}[{number}]" for number in range(len(galaxies))]
        return [self._cutout(name, entry, opened, galaxy) for name, galaxy in zip(names, galaxies, strict=True)]

    def _cutout(
        self, name: str, entry: _Entry, opened: Mapping[str, FitsFile | _Picture], galaxies: tuple[Galaxy, ...]
    ) -> Cutout | Failure:
        loaded: dict[str, Pixels] = {}
        for (band, source), file, galaxy in zip(opened.items(), entry.files, galaxies, strict=True):
            try:
                loaded[band] = _load(band, source, galaxy)
            except CutoutError as error:
                return _failure(entry, name, band, file, error)
        try:
            return self._joined(name, entry, loaded)
        except CutoutError as error:
            return _failure(entry, name, "", entry.files[0], error)


@contextmanager
def _opened(folder: Path, file: str, known: Known) -> Iterator[FitsFile | _Picture]:
    if not file:
        raise CutoutError("no file stands in the catalogue")
    normal = os.path.normpath(file)
    if PurePath(file).is_absolute() or PurePosixPath(file).is_absolute() or PurePath(normal).parts[:1] == (os.pardir,):
        raise CutoutError("lies outside the catalogue's folder: write paths that stay inside it")
    if "\0" in file:
        raise CutoutError("there is no such file")
    if is_picture(file):
        yield _Picture(folder / normal)
    else:
        with known.open(folder / normal) as opened:
            yield opened


def _paired(found: Mapping[str, list[Galaxy]], number: int | None) -> list[tuple[Galaxy, ...]]:
    """Put the galaxies of the files of several bands together, in order, or the one of that number only."""
    counts = {band: len(galaxies) for band, galaxies in found.items()}
    if len(set(counts.values())) > 1:
        raise CutoutError(
            "its files do not hold equally many galaxies: " + ", ".join(f"{band} has {count}" for band, count in counts.items())
        )
    if number is None:
        return list(zip(*found.values(), strict=True))
    if number >= min(counts.values()):
        raise CutoutError(f"its file holds {min(counts.values())} galaxies now, and this is number {number}, counted from 0")
    return [tuple(galaxies[number] for galaxies in found.values())]


def _load(band: str, source: FitsFile | _Picture, galaxy: Galaxy) -> Pixels:
    pixels = source.load(galaxy)
    if band and len(pixels.bands) != 1:
        raise CutoutError(f"holds {len(pixels.bands)} bands where one is expected")
    return pixels


def _together(loaded: Mapping[str, Pixels]) -> Pixels:
    if "" in loaded:
        return loaded[""]
    shapes = {band: found.pixels.shape[1:] for band, found in loaded.items()}
    if len(set(shapes.values())) > 1:
        raise CutoutError("its bands differ in size: " + ", ".join(f"{band} has {size_of(shape)}" for band, shape in shapes.items()))
    return Pixels(np.concatenate([found.pixels for found in loaded.values()]), tuple(loaded), True)


def _failure(entry: _Entry, name: str, band: str, file: str, error: CutoutError) -> Failure:
    return Failure(name, file, "read", f"band {band}: {error}" if band else str(error), entry.row)
