"""Cutouts in FITS files and pictures, opened only when a shard is read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from galfeat import CutoutError
from galfeat.data.cutouts import Cutout, unchecked_cutout, unchecked_cutouts
from galfeat.data.fits.ancillary.apply import PixelPlanes
from galfeat.data.fits.ancillary.names import Role
from galfeat.data.fits.fast_extensions import UniformExtensions
from galfeat.data.fits.fast_images import FastImageReader
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import GalaxyImages
from galfeat.data.fits.selectors import Selector, format_selectors, split_selectors
from galfeat.data.grids.align import align_bands, grids_differ
from galfeat.data.grids.stack import stack_bands
from galfeat.data.memory import BUDGET
from galfeat.data.missing import has_equal_pairs
from galfeat.data.sources.base import Failure, Reading, Shard, cut_shards
from galfeat.data.sources.check_units import (
    StatedUnit,
    first_stated,
    first_units,
    refuse_mixed,
)
from galfeat.data.sources.combine_bands import load_band, pair_galaxies
from galfeat.data.sources.mask_missing import mask_missing_in_batches, report_missing
from galfeat.data.sources.open_file import Picture, file_exists, open_file, selectors_in
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.select_bands import with_bands
from galfeat.data.sources.sidecars.match import SidecarFiles
from galfeat.data.sources.sidecars.read import apply_sidecars

__all__ = ["FileSource"]


class _Entry(NamedTuple):
    """One row of the catalog: its files, the HDU that it selects, and the number of its galaxy."""

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
        Folder that the paths of the catalog are relative to.
    catalog : pyarrow.Table
        One row an entry, with the columns ``id`` and those of `columns`; ``hdu`` selects one image
        of a file.
    columns : mapping of str to str
        Column of the file for each band; the band ``""`` is all bands in one file.
    options : ReadOptions
    numbers : tuple of int, optional
        For each entry, the number of its galaxy in its file, counted from 0; without it an entry
        is all galaxies of its file.
    extensions : UniformExtensions, optional
        Fast path for one file whose galaxies are all stored alike; the general reader takes over
        if the file has changed.
    left_out : tuple of str
        Sidecar files of the folder, which are not galaxies.
    unread : mapping of str to int
        Number of other files of the folder that are not read, by suffix.
    left_out_columns : tuple of str
        Columns of the catalog that hold no single value a row.
    sidecars : tuple of SidecarFiles
        Sidecar files of the entries.
    follows_links : bool
        Whether links may lead out of the folder: they may where no catalog names the files.
    header_cache : HeaderCache
        Headers of files with many galaxies, so that they are not parsed for each shard.
    one_each : bool
        Whether each row is one galaxy, as in a catalog: a row whose file holds several is a
        failure.
    """

    folder: Path
    catalog: pa.Table = field(repr=False)
    columns: Mapping[str, str]
    options: ReadOptions = field(default_factory=ReadOptions)
    numbers: tuple[int, ...] | None = field(default=None, repr=False)
    extensions: UniformExtensions | None = field(default=None, repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    unread: Mapping[str, int] = field(default_factory=dict, repr=False)
    left_out_columns: tuple[str, ...] = ()
    sidecars: tuple[SidecarFiles, ...] = ()
    follows_links: bool = True
    header_cache: HeaderCache = field(default_factory=HeaderCache, repr=False, compare=False)
    one_each: bool = False

    def __getstate__(self) -> dict[str, object]:
        # other processes fill a cache of their own
        return {**vars(self), "header_cache": HeaderCache()}

    def __len__(self) -> int:
        return int(self.catalog.num_rows)

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Selected bands, or those of the first cutout that can be read; none if none can."""
        if self.options.selected_bands:
            return self.options.selected_bands
        readings = (self.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them.

        Runs resume and tables join by these texts, so that they must not change.
        """
        options = self.options
        return {
            "columns": str(self.columns),
            "layout": str(options.layout),
            "wanted": str(options.selected_bands),
            "companions": f"Companions(use={options.companions!r}, bad_bits={options.bad_bits!r})",
            "missing_bands": str(options.missing_bands),
            "outside": str(options.allow_outside),
            **({"extension": format_selectors(options.selectors)} if options.selectors else {}),
            **({"mixed_units": "True"} if options.mixed_units else {}),
            **options.missing_data_setting,
        }

    @cached_property
    def _expected_bands(self) -> tuple[str, ...]:
        """Bands that every cutout must have; empty: any.

        Where missing bands are masked and none are selected, those of the first cutout.
        """
        options = self.options
        if options.selected_bands or options.missing_bands == "fail" or "" not in self.columns:
            return options.selected_bands
        return replace(self, options=replace(options, missing_bands="fail")).bands

    @property
    def memory_limit(self) -> int | None:
        """Bytes that reading may take in a process; None: the default."""
        return self.options.memory_limit

    def shards(self, size: int = 256) -> list[Shard]:
        """Return ranges of at most `size` entries that cover the source."""
        return cut_shards(len(self), size)

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Units of the bands of the first cutout that can be read; empty: none is stated."""
        return first_units(self.read, len(self))

    @cached_property
    def _stated_unit(self) -> StatedUnit | None:
        return first_stated(self.read_any_unit, len(self))

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard; each file is opened once.

        An entry whose file holds several galaxies gives a cutout each, named ``id[0]``, ``id[1]``
        and so on; a row of a catalog is a failure then. A cutout of another unit than the first
        that states one is a failure.
        """
        with BUDGET.limited(self.memory_limit):
            reading = self.read_any_unit(shard)
            report_missing(reading.cutouts, self.header_cache)
            if self.options.mixed_units:
                return reading
            return refuse_mixed(reading, lambda: self._stated_unit)

    def read_any_unit(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard, whatever their units are."""
        uniform = self._read_extensions(shard)
        if uniform is not None:
            return Reading(uniform)
        reader = self._fast_reader()
        outcomes: dict[int, list[Cutout | Failure]] = {
            row: [cutout] for row, cutout in self._read_plain_images(shard, reader)
        }
        if len(outcomes) == len(shard):
            return Reading([cutout for [cutout] in outcomes.values() if isinstance(cutout, Cutout)])
        by_files: dict[tuple[str, ...], list[_Entry]] = {}
        for entry in self._entries(shard):
            if entry.row not in outcomes:
                by_files.setdefault(entry.files, []).append(entry)
        for files, entries in by_files.items():
            outcomes.update(self._read_entries(files, entries, reader))
        found = [outcome for row in sorted(outcomes) for outcome in outcomes[row]]
        cutouts = [each for each in found if isinstance(each, Cutout)]
        return Reading(cutouts, [each for each in found if isinstance(each, Failure)])

    def _read_entries(
        self, files: tuple[str, ...], entries: Sequence[_Entry], reader: FastImageReader
    ) -> dict[int, list[Cutout | Failure]]:
        """Read the entries that are in the same files, within the budget of memory."""
        plain = self._read_plain_entry(entries[0], reader) if len(entries) == 1 else None
        if plain is not None:
            BUDGET.keep(plain.pixels.nbytes)
            return {entries[0].row: [plain]}
        try:
            return BUDGET.run(lambda: self._read_files(files, entries))
        except CutoutError as error:
            return {
                entry.row: [_failure(entry, entry.id, "", entry.files[0], error)]
                for entry in entries
            }

    # Fast paths: None wherever the general reader below has to read, or to give the reason why not.

    def _fast_reader(self) -> FastImageReader:
        """Return this thread's reader of plain images, which remembers the files' structure."""
        readers: dict[tuple[object, ...], FastImageReader] = vars(self.header_cache.own).setdefault(
            "readers", {}
        )
        options = self.options
        masks_missing = options.ancillary.mask_missing
        key = self.folder, options.layout, options.selectors, masks_missing, options.calibration
        if key not in readers:
            readers[key] = FastImageReader(
                self.folder,
                options.layout,
                self.header_cache,
                options.selectors,
                links=self.follows_links or options.allow_outside,
                masks_missing=masks_missing,
                calibration=options.calibration,
            )
        return readers[key]

    def _read_plain_images(
        self, shard: Shard, reader: FastImageReader
    ) -> Iterator[tuple[int, Cutout]]:
        """Read galaxies that are a plain image in a file of their own, with the expected bands."""
        if "" not in self.columns or self.numbers or "hdu" in self.catalog.column_names:
            return
        part = self.catalog.slice(shard.start, len(shard))
        expected = self._expected_bands
        ids, files = (part.column(column).to_pylist() for column in ("id", self.columns[""]))
        for row, name, file in zip(range(shard.start, shard.stop), ids, files, strict=False):
            found = reader.read(file) if file else None
            if found is None or (expected and not (found.named and found.bands == expected)):
                continue
            if self.sidecars:
                try:
                    found = self._apply_sidecars(row, found)
                except CutoutError:
                    continue
            BUDGET.keep(found.pixels.nbytes)
            yield row, unchecked_cutout(name, found, file, row)

    def _read_extensions(self, shard: Shard) -> list[Cutout] | None:
        """Read a shard of one file that stores all its galaxies alike."""
        numbers = self.numbers and self.numbers[shard.start : shard.stop]
        if (
            self.extensions is None
            or self.options.calibration  # it reads no headers
            or self.sidecars
            or not numbers
            or numbers != tuple(range(numbers[0], numbers[0] + len(shard)))
            or numbers[-1] >= self.extensions.count
        ):
            return None
        stored = self.extensions
        try:
            BUDGET.keep(len(shard) * prod(stored.shape) * 4)
        except CutoutError:  # some of them may fit
            return None
        picture = stored.stored == ">u1"
        masks_missing = self.options.ancillary.mask_missing and not picture
        suspect: list[bool] = []  # which batches may have missing data
        batches = stored.read(
            numbers[0],
            numbers[0] + len(shard),
            self.header_cache.report,
            (lambda batch: suspect.append(has_equal_pairs(batch))) if masks_missing else None,
        )
        if batches is None:
            return None
        band_numbers = np.arange(stored.shape[0], dtype=np.float32).reshape(-1, 1, 1)
        template = Cutout(
            "",
            band_numbers,
            stored.bands,
            file=stored.path.name,
            named=stored.named,
            units=stored.units,
            picture=picture,
        )
        try:
            template = with_bands(template, self.options.selected_bands)
        except CutoutError:
            return None
        order = template.pixels[:, 0, 0].astype(int).tolist()
        if order != list(range(stored.shape[0])):
            batches = [batch[:, order] for batch in batches]
            suspect = [has_equal_pairs(batch) for batch in batches] if masks_missing else []
        ids = self.catalog.column("id")[shard.start : shard.stop].to_pylist()
        cutouts = unchecked_cutouts(batches, ids, shard.start, template)
        if any(suspect):
            mask_missing_in_batches(cutouts, list(map(len, batches)), suspect)
        return cutouts

    def _read_plain_entry(self, entry: _Entry, reader: FastImageReader) -> Cutout | None:
        """Read the cutout of an entry if all its files are plain images."""
        if entry.hdu is not None or entry.number:
            return None
        loaded: dict[str, PixelPlanes] = {}
        for band, file in zip(self.columns, entry.files, strict=True):
            found = reader.read(file, with_grid=bool(band)) if file else None
            if found is None or (band and len(found.bands) != 1):
                return None
            loaded[band] = found
        try:
            return self._combine(entry.id, entry, loaded)
        except CutoutError:
            return None

    # The general reader

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

    def _read_files(
        self, files: tuple[str, ...], entries: Sequence[_Entry]
    ) -> dict[int, list[Cutout | Failure]]:
        """Read the entries that are in the same files, one file a band."""
        outside = self.options.allow_outside
        with ExitStack() as stack:
            opened: dict[str, FitsFile | Picture] = {}
            for band, file in zip(self.columns, files, strict=True):
                try:
                    if self._masks_missing_file(files, band, file):
                        continue
                    opened[band] = stack.enter_context(
                        open_file(
                            self.folder,
                            file,
                            self.header_cache,
                            outside=outside,
                            links=self.follows_links,
                        )
                    )
                except CutoutError as error:
                    return {
                        entry.row: [_failure(entry, entry.id, band, file, error)]
                        for entry in entries
                    }
            return {entry.row: self._read_entry(entry, opened) for entry in entries}

    def _masks_missing_file(self, files: tuple[str, ...], band: str, file: str) -> bool:
        """Return whether a band's file is missing and the band is masked: another file exists."""
        outside = self.options.allow_outside
        if (
            self.options.missing_bands == "fail"
            or not band
            or file_exists(self.folder, file, outside=outside)
        ):
            return False
        return any(file_exists(self.folder, other, outside=outside) for other in files)

    def _read_entry(
        self, entry: _Entry, opened: Mapping[str, FitsFile | Picture]
    ) -> list[Cutout | Failure]:
        found: dict[str, list[GalaxyImages]] = {}
        files = dict(zip(self.columns, entry.files, strict=True))
        for band, file in opened.items():
            try:
                chosen = self._chosen(files[band], entry)
                found[band] = file.galaxies(self.options.layout, entry.hdu, chosen)
            except CutoutError as error:
                return [_failure(entry, entry.id, band, files[band], error)]
        try:
            galaxies = pair_galaxies(found, entry.number)
        except CutoutError as error:
            return [_failure(entry, entry.id, "", entry.files[0], error)]
        count = len(galaxies)
        if count > 1 and self.one_each:
            several = CutoutError(_several(entry, count))
            return [_failure(entry, entry.id, "", entry.files[0], several)]
        names = [entry.id] if count == 1 else [f"{entry.id}[{number}]" for number in range(count)]
        return [
            self._read_galaxy(name, entry, opened, galaxy, (number, count))
            for number, (name, galaxy) in enumerate(zip(names, galaxies, strict=True))
        ]

    def _chosen(self, file: str, entry: _Entry) -> tuple[Selector, ...]:
        """Return the images that the path of a file chooses, or else the options."""
        chosen = selectors_in(file)
        if chosen and entry.hdu is not None:
            raise CutoutError(f"is chosen from twice: by hdu = {entry.hdu} and by its brackets")
        return chosen or (() if entry.hdu is not None else self.options.selectors)

    def _read_galaxy(
        self,
        name: str,
        entry: _Entry,
        opened: Mapping[str, FitsFile | Picture],
        images: tuple[GalaxyImages, ...],
        galaxy: tuple[int, int],
    ) -> Cutout | Failure:
        loaded: dict[str, PixelPlanes] = {}
        files = dict(zip(self.columns, entry.files, strict=True))
        for (band, file), own_images in zip(opened.items(), images, strict=True):
            try:
                loaded[band] = load_band(band, file, own_images, self.options.ancillary)
            except CutoutError as error:
                return _failure(entry, name, band, files[band], error)
        try:
            cutout = self._combine(name, entry, loaded, galaxy)
        except CutoutError as error:
            return _failure(entry, name, "", entry.files[0], error)
        BUDGET.keep(cutout.pixels.nbytes * (1 if cutout.noise is None else 2))
        return cutout

    def _combine(
        self,
        name: str,
        entry: _Entry,
        loaded: Mapping[str, PixelPlanes],
        galaxy: tuple[int, int] = (0, 1),
    ) -> Cutout:
        """Combine the bands of a galaxy and its sidecar files into a cutout."""
        found = self._stack(entry.row, loaded, galaxy)
        expected = self._expected_bands
        file = next(
            file for band, file in zip(self.columns, entry.files, strict=True) if band in loaded
        )
        if not expected or (found.named and found.bands == expected):
            return unchecked_cutout(name, found, file, entry.row)
        cutout = Cutout(
            name,
            found.pixels,
            found.bands,
            file=file,
            named=found.named,
            row=entry.row,
            noise=found.noise,
            segmentation=found.segmentation,
            units=found.units,
            missing=found.missing,
            picture=found.picture,
            keywords=found.keywords,
            grid=found.grid,
        )
        return with_bands(cutout, expected, self.options.missing_bands)

    def _stack(
        self, row: int, loaded: Mapping[str, PixelPlanes], galaxy: tuple[int, int]
    ) -> PixelPlanes:
        """Stack the bands of a galaxy on one grid, with their sidecar files applied."""
        if "" in loaded or not grids_differ(loaded):
            found = loaded[""] if "" in loaded else stack_bands(loaded, tuple(self.columns))
            return self._apply_sidecars(row, found, galaxy)
        shared = next((each for each in self.sidecars if not each.band and each.of_row(row)), None)
        if shared is not None and self.options.companions:
            raise CutoutError(
                f"its bands lie on different grids, and nothing says on which {shared.of_row(row)} "
                "lies: bring all to one grid, or name a sidecar file for each band"
            )
        masked = {
            band: self._apply_sidecars(row, planes._replace(bands=(band,)), galaxy, band.lower())
            for band, planes in loaded.items()
        }
        return stack_bands(align_bands(masked), tuple(self.columns))

    def _apply_sidecars(
        self,
        row: int,
        found: PixelPlanes,
        galaxy: tuple[int, int] = (0, 1),
        only: str | None = None,
    ) -> PixelPlanes:
        """Apply the sidecar files of a row to a galaxy.

        `galaxy` is its number in its file, and how many galaxies the file holds; `only` a band
        whose files alone are applied.
        """
        if not self.sidecars or not self.options.companions:
            return found
        files: dict[str, list[tuple[Role, str]]] = {}
        for each in self.sidecars:
            if only in (None, each.band):
                files.setdefault(each.of_row(row), []).append((each.role, each.band))
        files.pop("", None)
        return apply_sidecars(
            found,
            files,
            self.folder,
            self.options,
            self.header_cache,
            galaxy,
            by_name=not self.one_each,
            links=self.follows_links,
        )


def _several(entry: _Entry, count: int) -> str:
    file = split_selectors(next(filter(None, entry.files), ""))[0]
    return (
        f"holds {count} galaxies for one row of the catalog: choose one in each row, by a column "
        f"'hdu' or as {file}[NAME]; or in all files by --extension NAME; or say --layout bands if "
        "they are bands of one galaxy"
    )


def _failure(entry: _Entry, name: str, band: str, file: str, error: CutoutError) -> Failure:
    return Failure(name, file, "read", f"band {band}: {error}" if band else str(error), entry.row)
