"""Opening of sources: a folder, a catalog, a FITS file, a picture, an image set or a mosaic.

`open_source` returns a `Source`: it knows the number of its entries, divides them into shards, and
reads a shard at a time. No file stays open and only the catalog is in memory, whatever the number
of cutouts.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from galfeat import CutoutError, UsageError
from galfeat.data.fits.fast_extensions import find_uniform_extensions
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import Layout
from galfeat.data.fits.selectors import split_selectors
from galfeat.data.memory import BUDGET
from galfeat.data.sources.base import Reading, Shard
from galfeat.data.sources.catalogs.catalog import Catalog
from galfeat.data.sources.catalogs.formats import is_catalog
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.folders import is_fits, is_picture, list_cutouts
from galfeat.data.sources.image_sets.hdf5 import Hdf5Source, is_hdf5, open_hdf5
from galfeat.data.sources.image_sets.parquet import (
    ParquetSource,
    image_column,
    is_parquet,
    open_image_set,
)
from galfeat.data.sources.mosaics.open import open_mosaics
from galfeat.data.sources.mosaics.source import MosaicSource
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.remote import address_of, open_remote
from galfeat.data.sources.select_bands import MissingBands
from galfeat.data.sources.sidecars.match import match_sidecars
from galfeat.data.sources.unread_files import (
    describe_unread,
    explain_unread,
    may_hold_galaxies,
    suffix_of,
)

__all__ = ["CatalogedSource", "Reading", "Shard", "Source", "open_source", "open_with_options"]

_LOG = logging.getLogger("galfeat")
_CATALOGS = ("catalog.csv", "catalog.ecsv", "catalog.fits", "catalog.vot", "catalog.parquet")


class Source(Protocol):
    """A source of cutouts, read shard by shard."""

    @property
    def catalog(self) -> pa.Table | None:
        """Table with one row an entry and the column ``id``."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Selected bands, or those of the first cutout that can be read."""

    def __len__(self) -> int:
        """Return the number of entries; a file that holds several galaxies can be one entry."""

    def shards(self, size: int = 256) -> Sequence[Shard]:
        """Return ranges of at most `size` entries that cover the source."""

    def read(self, shard: Shard) -> Reading:
        """Read the cutouts of a shard."""


class CatalogedSource(Source, Protocol):
    """A source of cutouts in files: it has a catalog, and reports what it leaves out."""

    @property
    def catalog(self) -> pa.Table:
        """Table with one row an entry and the columns ``id`` and ``file``."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Sidecar files of a folder, which are not galaxies."""

    @property
    def unread(self) -> Mapping[str, int]:
        """Number of other files of a folder that are not read, by suffix."""

    @property
    def left_out_columns(self) -> tuple[str, ...]:
        """Columns of the catalog that hold no single value a row."""


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
    extension: str | Sequence[str] | None = None,
    mixed_units: bool = False,
    memory: int | str | None = None,
    missing_data: Literal["mask", "keep"] = "mask",
) -> CatalogedSource:
    """Open a source of cutouts.

    Parameters
    ----------
    path : str or Path, or sequence of them
        A folder: its ``catalog.csv`` (or .ecsv, .fits, .vot, .parquet) lists its galaxies; without
        one, all FITS files and pictures in it and below are galaxies, except sidecar files (noise
        maps, PSFs, masks and segmentation maps) beside the galaxy that they belong to.
        A catalog: the column ``file``, or the columns ``file_g``, ``file_r``, … for a file a band,
        are paths relative to it, inside its folder; ``id`` names the galaxies; ``hdu`` selects an
        image of a file, counted from 0.
        A FITS file, with one galaxy or many; or a JPEG or PNG picture. ``file.fits[SCI]`` chooses
        an image of it, here and in catalogs, like `extension`.
        An HDF5 file with a dataset ``images``, such as Galaxy10: see
        `galfeat.data.sources.image_sets.hdf5`.
        A Parquet file with a column of pictures: see `galfeat.data.sources.image_sets.parquet`.
        Any of these on a server, by its address: see `galfeat.data.sources.remote`.
    catalog : str or Path, optional
        Catalog of a folder, its paths relative to that folder; or of a FITS file with many
        galaxies, its rows in their order or with a column ``hdu``.
    bands : sequence of str, optional
        Bands to read, in this order: selected by name where the files name their bands, otherwise
        assigned to them as names.
    layout : {"auto", "cube", "bands", "galaxies"}
        How a FITS file stores its galaxies: see `galfeat.data.fits.layouts.arrange`.
    positions : str or Path, optional
        Catalog of positions in a mosaic, with ``ra`` and ``dec`` in degrees (ICRS), or in pixels:
        ``x`` and ``y`` counted from 0, or ``x_image`` and ``y_image`` counted from 1. Then `path`
        is a mosaic, a sequence of mosaics with a band each, or a folder of such; columns ``file``
        or ``file_<band>`` select mosaics of the folder for each galaxy. Pixels of a cutout beyond
        the edge are masked (NaN), and its row has ``edge`` true; a cutout that is wholly beyond
        the edge is a failure.
    size_arcsec, size_pixels : float, int, optional
        Side of the cutouts around positions, in one of the two.
    missing_bands : {"fail", "mask"}
        What happens to a galaxy without one of the bands: it is a failure, or all its pixels of
        that band are masked (NaN). A band is missing if its cell of the catalog is empty, its file
        does not exist, or a file that names its bands has others.
    companions : bool
        Whether ancillary data (noise maps, masks, data-quality flags and segmentation maps) are
        read, where extensions of the file, columns of the catalog, or files beside the galaxy in a
        folder without a catalog have such names: see `galfeat.data.fits.ancillary.names`. Masked
        pixels are NaN; a pixel whose noise is not a positive number is masked.
    bad_bits : int, optional
        Sum of the data-quality bits that mark a bad pixel; the default is described in
        `galfeat.data.fits.ancillary.apply.AncillaryOptions`.
    allow_outside : bool
        Whether the paths of a catalog may be absolute or lead out of its folder.
    extension : str or sequence of str, optional
        Images of each FITS file that are galaxies or bands, whatever their names and headers say:
        by name (``"SCI"``), number (``"1"``, 0 is the primary image), or name and version
        (``"SCI,2"``). See `galfeat.data.fits.selectors`.
    mixed_units : bool
        Whether bands and galaxies may have different units (BUNIT); otherwise a cutout of another
        unit than the first that states one is a failure, and mosaics of different units are
        refused. A file that states no unit contradicts none.
    memory : int or str, optional
        Memory that reading and preparing may take in a process, all threads together: bytes, or as
        ``"2G"`` or ``"500M"``. By default 1 GiB, or a quarter of the memory if that is less. A
        galaxy that needs more is a failure with both numbers.
    missing_data : {"mask", "keep"}
        Whether regions of one value, such as zeros beyond the edge of an image, are masked (NaN) as
        missing data; not in 8-bit pictures nor photon counts. See `galfeat.data.missing`.

    Returns
    -------
    CatalogedSource

    Raises
    ------
    UsageError
        If there is no such file or folder, an option is outside its range, or a catalog cannot be
        used.

    Examples
    --------
    >>> from galfeat.data import open_source
    >>> source = open_source("cutouts/", bands=["g", "r"])  # doctest: +SKIP
    >>> for shard in source.shards(256):  # doctest: +SKIP
    ...     reading = source.read(shard)
    ...     print(len(reading.cutouts), [failure.reason for failure in reading.failures])
    256 []
    """
    options = ReadOptions(
        catalog=catalog,
        bands=bands,
        layout=layout,
        positions=positions,
        size_arcsec=size_arcsec,
        size_pixels=size_pixels,
        missing_bands=missing_bands,
        companions=companions,
        bad_bits=bad_bits,
        allow_outside=allow_outside,
        extension=extension,
        mixed_units=mixed_units,
        memory=memory,
        missing_data=missing_data,
    )
    return open_with_options(path, options)


def open_with_options(
    path: str | Path | Sequence[str | Path], options: ReadOptions
) -> CatalogedSource:
    """Open a source of cutouts, as `open_source` does, with all options in one value."""
    path, options = _without_brackets(path, options)
    options.check()
    with BUDGET.limited(options.memory_limit):
        return _open(path, options)


def _open(path: str | Path | Sequence[str | Path], options: ReadOptions) -> CatalogedSource:
    if options.positions is not None:
        return _open_mosaics([path] if isinstance(path, str | Path) else list(path), options)
    if options.size_arcsec is not None or options.size_pixels is not None:
        raise UsageError("a size is only for positions in a mosaic, and none are given")
    if not isinstance(path, str | Path):
        raise UsageError(
            "several files are read as mosaics, which need positions; list files of cutouts in "
            "a catalog, or open their folder"
        )
    address = address_of(path)
    if address is not None:
        return open_remote(address, options, _open_local)
    return _open_local(_absolute(path), options)


def _without_brackets(
    path: str | Path | Sequence[str | Path], options: ReadOptions
) -> tuple[str | Path | Sequence[str | Path], ReadOptions]:
    """Take the choice of images in ``file.fits[SCI]`` into the options."""
    if not isinstance(path, str | Path):
        chosen = next((each for each in path if split_selectors(str(each))[1]), None)
        if chosen is not None and not _absolute(chosen).exists():
            raise UsageError(f"{chosen}: of several mosaics images are chosen by --extension")
        return path, options
    file, names = split_selectors(str(path))
    if not names or (address_of(path) is None and _absolute(path).exists()):
        return path, options
    if options.extension is not None:
        raise UsageError(f"{path}: its brackets choose an image already; leave out --extension")
    return file, replace(options, extension=names)


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _open_mosaics(paths: Sequence[str | Path], options: ReadOptions) -> MosaicSource:
    if options.catalog is not None:
        raise UsageError("a catalog of positions is the catalog; a second one cannot be given")
    remote = [path for path in paths if address_of(path)]
    if remote:
        raise UsageError(
            f"{address_of(remote[0])}: cutouts are taken from mosaics on local disks only; "
            "download it first"
        )
    local = [_absolute(path) for path in paths]
    missing = [path for path, place in zip(paths, local, strict=True) if not place.exists()]
    if missing or not local:
        raise UsageError(
            f"{missing[0]}: there is no such file or folder" if missing else "there is no mosaic"
        )
    return open_mosaics(local, Catalog.read(_absolute(options.positions or "")), options)


def _open_local(path: Path, options: ReadOptions) -> CatalogedSource:
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    if path.is_dir():
        return _open_folder(path, options)
    image_set = is_hdf5(path.name)
    column = image_column(path) if is_parquet(path.name) else None
    if options.selectors and (image_set or column is not None or is_picture(path.name)):
        raise UsageError(f"{path}: has no extensions, which --extension chooses among")
    if image_set:
        return _with_catalog_rows(open_hdf5(path, options), path)
    if column is not None:
        return _with_catalog_rows(open_image_set(path, column, options), path)
    return _open_file(path, options)


def _open_folder(folder: Path, options: ReadOptions) -> FileSource:
    own = next((folder / name for name in _CATALOGS if (folder / name).is_file()), None)
    if options.catalog is not None or own is not None:
        catalog = Catalog.read(_absolute(options.catalog or own or ""))
        return _open_catalog(catalog, folder, options)
    files, left_out, others = list_cutouts(folder)
    if not files:
        unread = describe_unread(others)
        raise UsageError(
            f"{folder}: there is no FITS file or picture in this folder"
            + (" except sidecar files" if left_out else "")
            + (f"; it holds {unread}" if unread else "")
        )
    sidecars = match_sidecars(files, left_out) if options.companions else ()
    table = Catalog.of_files(folder, files).table
    return FileSource(
        folder,
        table,
        {"": "file"},
        options,
        left_out=left_out,
        unread=dict(others),
        sidecars=sidecars,
    )


def _open_catalog(catalog: Catalog, folder: Path, options: ReadOptions) -> FileSource:
    identified = catalog.with_ids()
    columns = identified.select_files(options.selected_bands)
    _warn_of_repeated_files(identified, list(columns.values()))
    return FileSource(
        folder,
        identified.table,
        columns,
        options,
        left_out_columns=identified.left_out_columns,
        sidecars=identified.sidecars(columns),
        one_each=True,
        follows_links=False,
    )


def _warn_of_repeated_files(catalog: Catalog, columns: list[str]) -> None:
    """Log that rows of a catalog name the same image: a galaxy stands in it several times."""
    keys = [*columns, "hdu"] if catalog.selects_hdus else columns
    distinct = catalog.table.select(keys).group_by(keys).aggregate([]).num_rows
    if distinct < len(catalog):
        _LOG.warning(
            "%s: %d of its %d rows name an image that another row names too: one galaxy stands in "
            "it several times",
            catalog.path,
            len(catalog) - distinct,
            len(catalog),
        )


def _open_file(path: Path, options: ReadOptions) -> FileSource:
    """Open a FITS file of galaxies or of a catalog, another catalog, or a picture."""
    cache = HeaderCache()
    fits = is_fits(path.name)
    uniform = fits and not options.selectors
    extensions = find_uniform_extensions(path, options.layout, cache) if uniform else None
    only_tables, count = False, 1
    if extensions is not None:
        count = extensions.count
    elif fits:
        only_tables, count = _look_into(path, options, cache)
    if only_tables or is_catalog(path):
        if options.catalog is not None:
            raise UsageError(f"{path}: is a catalog itself; a second one cannot be given")
        return _open_catalog(Catalog.read(path), path.parent, options)
    if not fits and not is_picture(path.name):
        suffix = suffix_of(path.name)
        if may_hold_galaxies(suffix):
            raise UsageError(f"{path}: {suffix} files are {explain_unread(suffix)}")
        raise UsageError(
            f"{path}: is neither a folder, a catalog (CSV, ECSV, FITS, VOTable, Parquet), a FITS "
            "file, an HDF5 file nor a picture (JPEG, PNG)"
        )
    source = FileSource(
        path.parent,
        Catalog.of_file(path, count).table,
        {"": "file"},
        options,
        numbers=tuple(range(count)),
        extensions=extensions,
        header_cache=cache,
    )
    if options.catalog is None:
        return source
    catalog = Catalog.read(_absolute(options.catalog)).for_file(path, count)
    return replace(
        source,
        catalog=catalog.table,
        numbers=None if catalog.selects_hdus else source.numbers,
        extensions=None if catalog.selects_hdus else extensions,
        left_out_columns=catalog.left_out_columns,
        sidecars=catalog.sidecars(source.columns),
        one_each=True,
    )


def _with_catalog_rows(
    source: Hdf5Source | ParquetSource, path: Path
) -> Hdf5Source | ParquetSource:
    """Assign the rows of the catalog, if any, to the galaxies of an image set, in their order."""
    given = source.options.catalog
    if given is None:
        return source
    catalog = Catalog.read(_absolute(given))
    if len(catalog) != len(source):
        raise UsageError(
            f"{given}: has {len(catalog)} rows for the {len(source)} galaxies of {path.name}"
        )
    table = catalog.table
    for name in ("file", "id"):
        if name not in table.column_names:
            table = table.add_column(0, name, source.catalog.column(name))
    return replace(source, catalog=table, left_out_columns=catalog.left_out_columns)


def _look_into(path: Path, options: ReadOptions, cache: HeaderCache) -> tuple[bool, int]:
    """Return whether a FITS file holds tables alone, and the number of its galaxies.

    The file is opened once, because a packed one is unpacked for it.
    """
    try:
        with cache.open(path) as file:
            if {hdu.kind for hdu in file.hdus if hdu.shape} == {"table"}:
                return True, 0
            return False, len(file.galaxies(options.layout, extension=options.selectors))
    except CutoutError:  # it is one entry then, and reading it reports the reason
        return False, 1
