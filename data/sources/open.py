"""Where cutouts come from: one door to a folder, a catalogue, a FITS file or a picture.

`open_source` looks at what it is given and returns a `Source`: something that knows how many
entries it has, is cut into shards, and reads a shard at a time. Nothing is held open and nothing
but the catalogue is held in memory, so a source of a million files costs what its catalogue costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa

from galfeat import CutoutError, UsageError
from galfeat.data.fits.ancillary import AncillaryOptions
from galfeat.data.fits.fast_extensions import find_uniform_extensions
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import Layout, check_layout
from galfeat.data.sources.base import Reading, Shard
from galfeat.data.sources.catalog_columns import (
    chosen_columns,
    completed,
    file_columns,
    goes_with,
    numbered,
)
from galfeat.data.sources.catalogs import is_catalog, read_catalog
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.folders import is_fits, is_picture, list_cutouts, names_of
from galfeat.data.sources.hdf5 import Hdf5Source, is_hdf5, open_hdf5
from galfeat.data.sources.mosaics.catalog import open_mosaics
from galfeat.data.sources.mosaics.source import MosaicSource
from galfeat.data.sources.parquet import ParquetSource, image_column, is_parquet, open_image_set
from galfeat.data.sources.remote import address_of, open_remote
from galfeat.data.sources.select_bands import MissingBands, check_missing
from galfeat.data.sources.sidecars import columns_beside, files_beside

__all__ = ["Opened", "Reading", "Shard", "Source", "open_source"]

_CATALOGS = ("catalog.csv", "catalog.ecsv", "catalog.fits", "catalog.vot", "catalog.parquet")


class Source(Protocol):
    """Where cutouts come from."""

    @property
    def catalog(self) -> pa.Table | None:
        """One row an entry, with the column ``id``."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of the first cutout that can be read, or those asked for."""

    def __len__(self) -> int:
        """Return the number of entries; a file that holds several galaxies can be one entry."""

    def shards(self, size: int = 256) -> Sequence[Shard]:
        """Return runs of at most `size` entries that together are the source."""

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard."""


class Opened(Source, Protocol):
    """A source out of files: it always has a catalogue, and says what it leaves out."""

    @property
    def catalog(self) -> pa.Table:
        """One row an entry, with the columns ``id`` and ``file``."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Companion files of a folder that are no galaxies."""

    @property
    def left_out_columns(self) -> tuple[str, ...]:
        """Columns of the catalogue that hold no single value a row."""


def open_source(
    path: str | Path | Sequence[str | Path],
    *,
    catalog: str | Path | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
    positions: str | Path | None = None,
    size_arcsec: float | None = None,
    size_pixels: int | None = None,
    missing_bands: MissingBands = "fail",
    companions: bool = True,
    bad_bits: int | None = None,
    allow_outside: bool = False,
) -> Opened:
    """Find cutouts.

    Parameters
    ----------
    path : str or Path, or sequence of them
        A folder: its ``catalog.csv`` (or .ecsv, .fits, .vot, .parquet) says what is in it; without
        one, all FITS files and pictures in it and below are galaxies, but for noise maps, PSFs,
        masks and segments that stand beside the galaxy they belong to.
        A catalogue: the column ``file``, or the columns ``file_g``, ``file_r``, … for a file a
        band, are paths relative to it, inside its folder; ``id`` names the galaxies; ``hdu``
        chooses an image of a file, counted from 0.
        A FITS file, with one galaxy or many; or a JPEG or PNG picture.
        An HDF5 file with a dataset ``images``, such as Galaxy10: see `galfeat.data.sources.hdf5`.
        A Parquet file with a column of pictures: see `galfeat.data.sources.parquet`.
    catalog : str or Path, optional
        Catalogue of a folder, its paths relative to that folder; or of a FITS file with many
        galaxies, its rows in their order or with a column ``hdu``.
    bands : sequence of str, optional
        Bands to read, in this order: chosen by name where the files name their bands, otherwise
        given to them as names.
    layout : {"auto", "cube", "bands", "galaxies"}
        How a file holds its galaxies: see `galfeat.data.fits.layouts.arrange`.
    positions : str or Path, optional
        Catalogue of places in a mosaic, with ``ra`` and ``dec`` in degrees (ICRS), or with pixels:
        ``x`` and ``y`` counted from 0, or ``x_image`` and ``y_image`` counted from 1. Then `path`
        is a mosaic, a sequence of mosaics with a band each, or a folder of such; columns ``file``
        or ``file_<band>`` choose mosaics of the folder for each galaxy. What a cutout has beyond
        the edge is NaN, and its row has ``edge`` true; what lies wholly beyond it is a failure.
    size_arcsec, size_pixels : float, int, optional
        Side of the cutouts around positions, in one of the two.
    missing_bands : {"fail", "mask"}
        What becomes of a galaxy without one of the bands: a failure; or its pixels of that band are
        all NaN, which is how a bad pixel is said. A band is missing if its cell of the catalogue is
        empty, its file does not exist, or a file that names its bands has others.
    companions : bool
        Whether noise maps, masks, data-quality bits and segmentation maps come along, where
        extensions of the file, columns of the catalogue, or files beside the galaxy in a folder
        without a catalogue are called so: see `galfeat.data.fits.ancillary_names`. What is masked
        is NaN; a pixel whose noise is no positive number is masked.
    bad_bits : int, optional
        Which data-quality bits make a pixel bad, as a sum; by default those that
        `galfeat.data.fits.ancillary.AncillaryOptions` describes.
    allow_outside : bool
        Whether the paths of a catalogue may be absolute or lead out of its folder.

    Returns
    -------
    Opened

    Raises
    ------
    UsageError
        If there is nothing there, or a catalogue cannot be used.

    Examples
    --------
    >>> from galfeat.data import open_source
    >>> source = open_source("cutouts/", bands=["g", "r"])  # doctest: +SKIP
    >>> for shard in source.shards(256):  # doctest: +SKIP
    ...     reading = source.read(shard)
    ...     print(len(reading.cutouts), [failure.reason for failure in reading.failures])
    256 []
    """
    check_layout(layout)
    check_missing(missing_bands)
    options = _Options(
        _checked_bands(bands),
        layout,
        missing_bands,
        AncillaryOptions(companions, bad_bits),
        allow_outside,
    )
    if positions is not None:
        several = [path] if isinstance(path, str | Path) else list(path)
        return _around(several, positions, (size_arcsec, size_pixels), catalog, options)
    if size_arcsec is not None or size_pixels is not None:
        raise UsageError("a size goes with positions in a mosaic, and there are none")
    if not isinstance(path, str | Path):
        raise UsageError(
            "several files are mosaics, and need positions; otherwise make a catalogue of them or "
            "open their folder"
        )
    address = address_of(path)
    if address is not None:
        return open_remote(address, catalog, lambda place, own: _from_path(place, own, options))
    return _from_path(Path(path).expanduser().absolute(), catalog, options)


def _from_path(place: Path, catalog: str | Path | None, options: "_Options") -> Opened:
    if not place.exists():
        raise UsageError(f"{place}: there is no such file or folder")
    return (
        _from_folder(place, catalog, options)
        if place.is_dir()
        else _from_one(place, catalog, options)
    )


class _Options(NamedTuple):
    """How a source is read, whatever it is."""

    wanted: tuple[str, ...]
    layout: Layout
    missing_bands: MissingBands
    companions: AncillaryOptions
    outside: bool

    def files(self, folder: Path, catalog: pa.Table, columns: Mapping[str, str]) -> FileSource:
        """Return a source of files that is read so."""
        return FileSource(
            folder,
            catalog,
            columns,
            self.layout,
            self.wanted,
            companions=self.companions,
            missing_bands=self.missing_bands,
            outside=self.outside,
        )


def _from_one(path: Path, catalog: str | Path | None, options: _Options) -> Opened:
    if is_hdf5(path.name):
        return _labelled(
            replace(open_hdf5(path, options.wanted), missing_bands=options.missing_bands),
            catalog,
            path,
        )
    column = image_column(path) if is_parquet(path.name) else None
    if column is not None:
        return _labelled(
            replace(
                open_image_set(path, column, options.wanted), missing_bands=options.missing_bands
            ),
            catalog,
            path,
        )
    known, layout = HeaderCache(), options.layout
    row = find_uniform_extensions(path, layout, known) if is_fits(path.name) else None
    if is_catalog(path) or (row is None and is_fits(path.name) and _holds_tables_only(path, known)):
        if catalog is not None:
            raise UsageError(f"{path}: is a catalogue itself, so there is no other to go with it")
        return _from_catalog(path, path.parent, options)
    if not is_fits(path.name) and not is_picture(path.name):
        raise UsageError(
            f"{path}: is no folder, no catalogue (CSV, ECSV, FITS, VOTable, Parquet), no FITS "
            "file, no HDF5 file and no picture (JPEG, PNG)"
        )
    count = row.count if row else _count_galaxies(path, layout, known)
    every = replace(
        options.files(path.parent, numbered(path, count), {"": "file"}),
        numbers=tuple(range(count)),
        row=row,
        known=known,
    )
    return (
        every
        if catalog is None
        else _with_catalog(every, Path(catalog).expanduser().absolute(), path)
    )


def _around(
    paths: Sequence[str | Path],
    positions: str | Path,
    size: tuple[float | None, float | None],
    catalog: str | Path | None,
    options: _Options,
) -> MosaicSource:
    if catalog is not None:
        raise UsageError("a catalogue of positions is the catalogue; there can be no other")
    elsewhere = [path for path in paths if address_of(path)]
    if elsewhere:
        raise UsageError(
            f"{address_of(elsewhere[0])}: cutouts are taken from mosaics on disks only; fetch it "
            "first"
        )
    places = [Path(path).expanduser().absolute() for path in paths]
    missing = [path for path, place in zip(paths, places, strict=True) if not place.exists()]
    if missing or not places:
        raise UsageError(
            f"{missing[0]}: there is no such file or folder" if missing else "there is no mosaic"
        )
    found = open_mosaics(
        places,
        Path(positions).expanduser().absolute(),
        size,
        options.wanted,
        (options.layout, options.companions),
    )
    return replace(found, missing_bands=options.missing_bands)


def _from_folder(folder: Path, catalog: str | Path | None, options: _Options) -> FileSource:
    own = next((folder / name for name in _CATALOGS if (folder / name).is_file()), None)
    if catalog is not None or own is not None:
        return _from_catalog(Path(catalog or own or "").expanduser().absolute(), folder, options)
    files, left_out = list_cutouts(folder)
    if not files:
        raise UsageError(
            f"{folder}: no FITS file or picture is in this folder"
            + (" but companions of galaxies" if left_out else "")
        )
    table = pa.table({"id": names_of(files), "file": files})
    beside = files_beside(files, left_out) if options.companions.use else ()
    return replace(options.files(folder, table, {"": "file"}), left_out=left_out, beside=beside)


def _from_catalog(path: Path, folder: Path, options: _Options) -> FileSource:
    table, left_out = read_catalog(path)
    columns = file_columns(table, path)
    catalog = completed(table, columns, path)
    chosen = chosen_columns(columns, options.wanted, path)
    beside = [
        each
        for each in columns_beside(table, [band for band in columns if band])
        if goes_with(each.band, chosen)
    ]
    return replace(
        options.files(folder, catalog, chosen), left_out_columns=left_out, beside=tuple(beside)
    )


def _labelled(
    source: Hdf5Source | ParquetSource, catalog: str | Path | None, path: Path
) -> Hdf5Source | ParquetSource:
    """Give the galaxies of an image set the rows of a catalogue, in their order."""
    if catalog is None:
        return source
    table, left_out = read_catalog(Path(catalog).expanduser().absolute())
    if table.num_rows != len(source):
        raise UsageError(
            f"{catalog}: has {table.num_rows} rows for the {len(source)} galaxies of {path.name}"
        )
    for name in ("file", "id"):
        if name not in table.column_names:
            table = table.add_column(0, name, source.catalog.column(name))
    return replace(source, catalog=table, left_out_columns=left_out)


def _with_catalog(every: FileSource, catalog: Path, path: Path) -> FileSource:
    """Give the galaxies of a file the rows of a catalogue.

    In their order, or by its column ``hdu``.
    """
    table, left_out = read_catalog(catalog)
    count = len(every)
    by_hdu = "hdu" in table.column_names
    if not by_hdu and table.num_rows != count:
        raise UsageError(
            f"{catalog}: has {table.num_rows} rows for the {count} galaxies of {path.name}; a "
            "column 'hdu' can choose among them"
        )
    here = pa.array([path.name] * table.num_rows)
    table = (
        table.set_column(table.column_names.index("file"), "file", here)
        if "file" in table.column_names
        else table.append_column("file", here)
    )
    if not by_hdu and "id" not in table.column_names:
        table = table.add_column(
            0, "id", pa.array([f"{names_of([path.name])[0]}[{number}]" for number in range(count)])
        )
    table = completed(table, every.columns, catalog)
    return replace(
        every,
        catalog=table,
        numbers=None if by_hdu else every.numbers,
        row=None if by_hdu else every.row,
        left_out_columns=left_out,
        beside=columns_beside(table, ()),
    )


def _checked_bands(bands: Sequence[str] | None) -> tuple[str, ...]:
    if bands is None:
        return ()
    wanted = (bands,) if isinstance(bands, str) else tuple(bands)
    if (
        not wanted
        or not all(isinstance(band, str) and band for band in wanted)
        or len(set(wanted)) < len(wanted)
    ):
        raise UsageError(
            f"bands must be names, each once; they are {', '.join(map(repr, wanted)) or 'none'}"
        )
    return wanted


def _count_galaxies(path: Path, layout: Layout, known: HeaderCache) -> int:
    if is_picture(path.name):
        return 1
    try:
        with known.open(path) as file:
            return len(file.galaxies(layout))
    except CutoutError:  # it is one entry then, and reading it gives the reason
        return 1


def _holds_tables_only(path: Path, known: HeaderCache) -> bool:
    try:
        with known.open(path) as file:
            kinds = {hdu.kind for hdu in file.hdus if hdu.shape}
    except CutoutError:
        return False
    return kinds == {"table"}
