"""Cutouts that lie in files.

A source that knows which file each entry is in, and opens none of them until it is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout, cutouts_of, known_to_fit
from galfeat.data.fits.ancillary import AncillaryOptions, PixelPlanes
from galfeat.data.fits.ancillary_names import Role
from galfeat.data.fits.fast_extensions import UniformExtensions
from galfeat.data.fits.fast_images import FastImageReader
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import GalaxyImages, Layout, format_shape
from galfeat.data.sources.base import Failure, Reading, Shard, cut_shards
from galfeat.data.sources.open_file import Picture, is_there, open_file
from galfeat.data.sources.select_bands import MissingBands, with_bands
from galfeat.data.sources.sidecars import BesideFiles, accompanied

__all__ = ["FileSource"]


class _Entry(NamedTuple):
    row: int
    id: str
    files: tuple[str, ...]
    hdu: int | None
    number: int | None


@dataclass(frozen=True, eq=False)
class FileSource:
    """Cutouts in FITS files and pictures.

    Made by `galfeat.data.open_source`. It can be sent to another process or thread and be read
    there.

    Parameters
    ----------
    folder : Path
        Where the paths of the catalogue start.
    catalog : pyarrow.Table
        One row an entry, with the columns ``id`` and those of `columns`; ``hdu`` chooses one image
        of a file.
    columns : mapping of str to str
        Column of the file for each band; the band ``""`` is all bands in one file.
    layout : {"auto", "cube", "bands", "galaxies"}
    wanted : tuple of str
        Bands asked for, in order; none: as they come.
    numbers : tuple of int, optional
        For each entry, which galaxy of its file it is; otherwise an entry is all galaxies of its
        file.
    row : UniformExtensions, optional
        The galaxies of the one file, where all are stored alike; read the long way if the file is
        no longer what it was.
    left_out : tuple of str
        Companion files of the folder that are no galaxies.
    left_out_columns : tuple of str
        Columns of the catalogue that hold no single value a row.
    beside : tuple of BesideFiles
        Companion files of the entries.
    companions : AncillaryOptions
        How these, and those within files, are used.
    missing_bands : {"fail", "mask"}
        What becomes of a galaxy without one of the bands.
    outside : bool
        Whether files may lie outside the folder.
    known : HeaderCache
        What was found in files of many galaxies, so that shards do not look through them again.
    """

    folder: Path
    catalog: pa.Table = field(repr=False)
    columns: Mapping[str, str]
    layout: Layout = "auto"
    wanted: tuple[str, ...] = ()
    numbers: tuple[int, ...] | None = field(default=None, repr=False)
    row: UniformExtensions | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    left_out_columns: tuple[str, ...] = ()
    beside: tuple[BesideFiles, ...] = ()
    companions: AncillaryOptions = field(default_factory=AncillaryOptions)
    missing_bands: MissingBands = "fail"
    outside: bool = False
    known: HeaderCache = field(default_factory=HeaderCache, repr=False, compare=False)

    def __getstate__(self) -> dict[str, object]:
        return {
            **vars(self),
            "known": HeaderCache(),
        }  # to be found out again rather than sent along

    def __len__(self) -> int:
        return int(self.catalog.num_rows)

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands asked for, or those of the first cutout that can be read; none if none can."""
        if self.wanted:
            return self.wanted
        readings = (self.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    @cached_property
    def _expected(self) -> tuple[str, ...]:
        """Bands that every cutout is to have.

        Where missing ones are masked, those of the first one if none are asked for.
        """
        if self.wanted or self.missing_bands == "fail" or "" not in self.columns:
            return self.wanted
        return replace(self, missing_bands="fail").bands

    def shards(self, size: int = 256) -> list[Shard]:
        """Return runs of `size` entries that together are the source."""
        return cut_shards(len(self), size)

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard; each file is opened once.

        An entry whose file holds several galaxies gives a cutout each, named ``id[0]``, ``id[1]``
        and so on.
        """
        quick = self._read_row(shard)
        if quick is not None:
            return Reading(quick)
        reader = self._reader()
        outcomes: dict[int, list[Cutout | Failure]] = {
            row: [cutout] for row, cutout in self._read_whole(shard, reader)
        }
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

    def _reader(self) -> FastImageReader:
        """Return this thread's reader of plain images, which need not learn again what the files of
        other shards look like.
        """
        readers: dict[tuple[Path, str], FastImageReader] = vars(self.known.own).setdefault(
            "readers", {}
        )
        key = self.folder, self.layout
        if key not in readers:
            readers[key] = FastImageReader(self.folder, self.layout, self.known)
        return readers[key]

    def _read_whole(self, shard: Shard, reader: FastImageReader) -> Iterator[tuple[int, Cutout]]:
        """Read the plain images that are a galaxy a file.

        Those of them that have the bands asked for.
        """
        if "" not in self.columns or self.numbers or "hdu" in self.catalog.column_names:
            return
        part = self.catalog.slice(shard.start, len(shard))
        expected = self._expected
        ids, files = (part.column(column).to_pylist() for column in ("id", self.columns[""]))
        for row, name, file in zip(range(shard.start, shard.stop), ids, files, strict=False):
            found = reader.read(file) if file else None
            if found is None or (expected and not (found.named and found.bands == expected)):
                continue
            if self.beside:
                try:
                    found = self._accompanied(row, found)
                except CutoutError:
                    continue  # the long way says why
            yield row, known_to_fit(name, found, file, row)

    def _read_row(self, shard: Shard) -> list[Cutout] | None:
        """Return the cutouts of a shard out of one file that holds them all alike.

        None if there is more to it.
        """
        numbers = self.numbers and self.numbers[shard.start : shard.stop]
        if (
            self.row is None
            or self.beside
            or not numbers
            or numbers != tuple(range(numbers[0], numbers[0] + len(shard)))
        ):
            return None
        parts = (
            self.row.read(numbers[0], numbers[0] + len(shard), self.known.report)
            if numbers[-1] < self.row.count
            else None
        )
        if parts is None:
            return None
        places = np.arange(self.row.shape[0], dtype=np.float32).reshape(-1, 1, 1)
        try:
            like = with_bands(
                Cutout("", places, self.row.bands, file=self.row.path.name, named=self.row.named),
                self.wanted,
            )
        except CutoutError:
            return None  # the long way says so of each
        order = like.pixels[:, 0, 0].astype(int).tolist()
        if order != list(range(self.row.shape[0])):
            parts = [part[:, order] for part in parts]
        ids = self.catalog.column("id")[shard.start : shard.stop].to_pylist()
        return cutouts_of(parts, ids, shard.start, like)

    def _entries(self, shard: Shard) -> Iterator[_Entry]:
        part = self.catalog.slice(shard.start, len(shard))
        files = zip(
            *(part.column(column).to_pylist() for column in self.columns.values()), strict=True
        )
        hdus = (
            part.column("hdu").to_pylist() if "hdu" in part.column_names else [None] * part.num_rows
        )
        for row, (name, paths, hdu) in enumerate(
            zip(part.column("id").to_pylist(), files, hdus, strict=True), start=shard.start
        ):
            yield _Entry(row, name, paths, hdu, self.numbers[row] if self.numbers else None)

    def _read_plain(self, entry: _Entry, reader: FastImageReader) -> Cutout | None:
        """Return the cutout if all its files are plain images, without opening them the long way.

        None if there is more to it.
        """
        if entry.hdu is not None or entry.number:
            return None
        loaded: dict[str, PixelPlanes] = {}
        for band, file in zip(self.columns, entry.files, strict=True):
            found = reader.read(file) if file else None
            if found is None or (band and len(found.bands) != 1):
                return None
            loaded[band] = found
        try:
            return self._joined(entry.id, entry, loaded)
        except CutoutError:
            return None  # the long way says why

    def _joined(
        self,
        name: str,
        entry: _Entry,
        loaded: Mapping[str, PixelPlanes],
        galaxy: tuple[int, int] = (0, 1),
    ) -> Cutout:
        found = self._accompanied(entry.row, _together(loaded, tuple(self.columns)), galaxy)
        expected = self._expected
        file = next(
            file for band, file in zip(self.columns, entry.files, strict=True) if band in loaded
        )
        if not expected or (found.named and found.bands == expected):
            return known_to_fit(name, found, file, entry.row)
        pixels, bands, named, noise, segmentation = found
        cutout = Cutout(
            name,
            pixels,
            bands,
            file=file,
            named=named,
            row=entry.row,
            noise=noise,
            segmentation=segmentation,
        )
        return with_bands(cutout, expected, self.missing_bands)

    def _accompanied(
        self, row: int, found: PixelPlanes, galaxy: tuple[int, int] = (0, 1)
    ) -> PixelPlanes:
        """Give a galaxy its companion files.

        `galaxy` is which one of its file it is, and how many there are.
        """
        if not self.beside or not self.companions.use:
            return found
        files: dict[str, list[tuple[Role, str]]] = {}
        for each in self.beside:
            files.setdefault(each.of(row), []).append((each.role, each.band))
        files.pop("", None)
        return accompanied(
            found, files, (self.folder, self.known, self.outside), galaxy, self.companions
        )

    def _read_files(
        self, files: tuple[str, ...], entries: Sequence[_Entry]
    ) -> dict[int, list[Cutout | Failure]]:
        with ExitStack() as stack:
            opened: dict[str, FitsFile | Picture] = {}
            for band, file in zip(self.columns, files, strict=True):
                try:
                    if self._may_miss(files, band, file):
                        continue
                    opened[band] = stack.enter_context(
                        open_file(self.folder, file, self.known, outside=self.outside)
                    )
                except CutoutError as error:
                    return {
                        entry.row: [_failure(entry, entry.id, band, file, error)]
                        for entry in entries
                    }
            return {entry.row: self._read_entry(entry, opened) for entry in entries}

    def _may_miss(self, files: tuple[str, ...], band: str, file: str) -> bool:
        """Return whether the file of a band is missing and is to be masked: another one is
        there.
        """
        if (
            self.missing_bands == "fail"
            or not band
            or is_there(self.folder, file, outside=self.outside)
        ):
            return False
        return any(is_there(self.folder, other, outside=self.outside) for other in files)

    def _read_entry(
        self, entry: _Entry, opened: Mapping[str, FitsFile | Picture]
    ) -> list[Cutout | Failure]:
        found: dict[str, list[GalaxyImages]] = {}
        files = dict(zip(self.columns, entry.files, strict=True))
        for band, source in opened.items():
            try:
                found[band] = source.galaxies(self.layout, entry.hdu)
            except CutoutError as error:
                return [_failure(entry, entry.id, band, files[band], error)]
        try:
            galaxies = _paired(found, entry.number)
        except CutoutError as error:
            return [_failure(entry, entry.id, "", entry.files[0], error)]
        names = (
            [entry.id]
            if len(galaxies) == 1
            else [f"{entry.id}[{number}]" for number in range(len(galaxies))]
        )
        read = enumerate(zip(names, galaxies, strict=True))
        return [
            self._cutout(name, entry, opened, galaxy, (number, len(galaxies)))
            for number, (name, galaxy) in read
        ]

    def _cutout(
        self,
        name: str,
        entry: _Entry,
        opened: Mapping[str, FitsFile | Picture],
        galaxies: tuple[GalaxyImages, ...],
        which: tuple[int, int],
    ) -> Cutout | Failure:
        loaded: dict[str, PixelPlanes] = {}
        files = dict(zip(self.columns, entry.files, strict=True))
        for (band, source), galaxy in zip(opened.items(), galaxies, strict=True):
            try:
                loaded[band] = _load(band, source, galaxy, self.companions)
            except CutoutError as error:
                return _failure(entry, name, band, files[band], error)
        try:
            return self._joined(name, entry, loaded, which)
        except CutoutError as error:
            return _failure(entry, name, "", entry.files[0], error)


def _paired(
    found: Mapping[str, list[GalaxyImages]], number: int | None
) -> list[tuple[GalaxyImages, ...]]:
    """Put the galaxies of the files of several bands together, in order, or the one of that number
    only.
    """
    counts = {band: len(galaxies) for band, galaxies in found.items()}
    if len(set(counts.values())) > 1:
        raise CutoutError(
            "its files do not hold equally many galaxies: "
            + ", ".join(f"{band} has {count}" for band, count in counts.items())
        )
    if number is None:
        return list(zip(*found.values(), strict=True))
    if number >= min(counts.values()):
        raise CutoutError(
            f"its file holds {min(counts.values())} galaxies now, and this is number {number}, "
            "counted from 0"
        )
    return [tuple(galaxies[number] for galaxies in found.values())]


def _load(
    band: str, source: FitsFile | Picture, galaxy: GalaxyImages, companions: AncillaryOptions
) -> PixelPlanes:
    pixels = source.load(galaxy, companions)
    if band and len(pixels.bands) != 1:
        raise CutoutError(f"holds {len(pixels.bands)} bands where one is expected")
    return pixels


def _together(loaded: Mapping[str, PixelPlanes], bands: tuple[str, ...]) -> PixelPlanes:
    """Put the bands of several files together; those that are missing have only bad pixels."""
    if "" in loaded:
        return loaded[""]
    shapes = {band: found.pixels.shape[1:] for band, found in loaded.items()}
    if len(set(shapes.values())) > 1:
        raise CutoutError(
            "its bands differ in size: "
            + ", ".join(f"{band} has {format_shape(shape)}" for band, shape in shapes.items())
        )
    nothing = np.full((1, *next(iter(shapes.values()))), np.nan, np.float32)
    pixels = [loaded[band].pixels if band in loaded else nothing for band in bands]
    noise = [loaded[band].noise if band in loaded else nothing for band in bands]
    known = [each for each in noise if each is not None]
    segments = next(
        (found.segmentation for found in loaded.values() if found.segmentation is not None), None
    )
    return PixelPlanes(
        np.concatenate(pixels),
        bands,
        True,
        np.concatenate(known) if len(known) == len(bands) else None,
        segments,
    )


def _failure(entry: _Entry, name: str, band: str, file: str, error: CutoutError) -> Failure:
    return Failure(name, file, "read", f"band {band}: {error}" if band else str(error), entry.row)
