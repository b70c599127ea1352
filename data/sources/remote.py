"""Cutouts in object stores (``s3://``, ``gs://``) and on the web (``https://``).

Folders, catalogs and files on a server are read like local ones. The files of a shard are
downloaded concurrently into a temporary folder, read there, and removed again; one large file
(FITS with many extensions, HDF5, Parquet) is downloaded once and read from the copy. This needs
fsspec and, for each kind of server, the package that fsspec names: ``pip install
'galfeat[remote]'`` has those of S3 and the web. Credentials and endpoints are those of these
packages (environment variables, ``~/.aws``, fsspec's configuration).
"""

import atexit
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from galfeat import UsageError
from galfeat._atomic_files import atomic_open
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.selectors import split_selectors
from galfeat.data.sources.base import Failure, Reading, Shard
from galfeat.data.sources.catalogs.formats import is_catalog
from galfeat.data.sources.check_units import (
    StatedUnit,
    first_stated,
    first_units,
    refuse_mixed,
)
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.folders import is_fits, is_picture
from galfeat.data.sources.image_sets.hdf5 import is_hdf5
from galfeat.data.sources.options import ReadOptions

if TYPE_CHECKING:
    from galfeat.data.sources.open import CatalogedSource

__all__ = ["RemoteSource", "address_of", "open_remote", "receive", "send"]

_ADDRESS = re.compile(r"^(s3|s3a|gs|gcs|https?|abfs|abfss|az|memory):/+(?=[^/])")
_CONCURRENT = 16  # downloads at the same time
_ATTEMPTS = 3
_CATALOG = re.compile(r"^catalog\.(csv|ecsv|fits|vot|parquet)$")
Opener = Callable[[Path, ReadOptions], "CatalogedSource"]


def address_of(path: object) -> str | None:
    """Return the address of a path on a server, or None if the path is local.

    Examples
    --------
    >>> address_of("s3://bucket/cutouts"), address_of(Path("s3://bucket/cutouts"))
    ('s3://bucket/cutouts', 's3://bucket/cutouts')
    >>> address_of("cutouts/") is None
    True
    """
    # a Path keeps one of the two slashes only
    text = path.as_posix() if isinstance(path, Path) else str(path)
    found = _ADDRESS.match(text)
    return f"{found[1]}://{text[found.end() :]}" if found else None


@dataclass(frozen=True, eq=False)
class RemoteSource:
    """Cutouts in files on a server.

    Made by `galfeat.data.open_source`. It can be sent to another process or machine and be read
    there.

    Parameters
    ----------
    address : str
        Address that the paths of the catalog are relative to.
    local : FileSource
        The source of the downloaded files.
    stamps : mapping of str to (int, int)
        Size of each file in bytes and a digest of its ETag or time, where the server lists them.
    """

    address: str
    local: FileSource
    stamps: Mapping[str, tuple[int, int]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.local)

    @property
    def catalog(self) -> pa.Table:
        """Table with one row an entry and the columns ``id`` and ``file``."""
        return self.local.catalog

    @property
    def left_out(self) -> tuple[str, ...]:
        """Sidecar files of a folder, which are not galaxies."""
        return self.local.left_out

    @property
    def unread(self) -> Mapping[str, int]:
        """Number of other files of a folder that are not read, by suffix."""
        return self.local.unread

    @property
    def left_out_columns(self) -> tuple[str, ...]:
        """Columns of the catalog that hold no single value a row."""
        return self.local.left_out_columns

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Selected bands, or those of the first cutout that can be read; none if none can."""
        options = self.local.options
        if options.selected_bands:
            return options.selected_bands
        unmasked = replace(options, missing_bands="fail")
        whole = replace(self, local=replace(self.local, options=unmasked))
        readings = (whole.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Units of the bands of the first cutout that can be read; empty: none is stated."""
        return first_units(self.read, len(self))

    @cached_property
    def _stated_unit(self) -> StatedUnit | None:
        return first_stated(self.read_any_unit, len(self))

    @property
    def memory_limit(self) -> int | None:
        """Bytes that reading may take in a process; None: the default."""
        return self.local.memory_limit

    def shards(self, size: int = 256) -> Sequence[Shard]:
        """Return ranges of at most `size` entries that cover the source."""
        return self.local.shards(size)

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them."""
        return {"address": self.address, **self.local.settings}

    def files(self, shard: Shard) -> list[str]:
        """Return the names of the files of a shard, including sidecar files, each once."""
        part = self.catalog.slice(shard.start, len(shard))
        names = [
            name
            for column in self.local.columns.values()
            for name in part.column(column).to_pylist()
        ]
        names += [
            each.of_row(row)
            for each in self.local.sidecars
            for row in range(shard.start, shard.stop)
        ]
        # brackets behind a name choose an image of the file
        files = (split_selectors(name)[0] if name not in self.stamps else name for name in names)
        return list(dict.fromkeys(name for name in files if name))

    def file_stamps(self, shard: Shard) -> list[tuple[str, int, int]]:
        """Return name, size in bytes and a digest of the ETag or time of each file of a shard.

        -1 where the server does not tell.
        """
        names = self.files(shard)
        unlisted = [name for name in names if name not in self.stamps]
        with ThreadPoolExecutor(_CONCURRENT) as pool:
            found = pool.map(partial(_query_stamp, self.address), unlisted)
            answers = dict(zip(unlisted, found, strict=True))
        return [(name, *(self.stamps.get(name) or answers[name])) for name in names]

    def read(self, shard: Shard) -> Reading:
        """Download and read the cutouts of a shard.

        A file that cannot be downloaded is a failure with the server's reason, and a cutout of
        another unit than the first that states one is a failure.
        """
        reading = self.read_any_unit(shard)
        if self.local.options.mixed_units:
            return reading
        return refuse_mixed(reading, lambda: self._stated_unit)

    def read_any_unit(self, shard: Shard) -> Reading:
        """Download and read the cutouts of a shard, whatever their units are."""
        with tempfile.TemporaryDirectory(prefix="galfeat-") as folder:
            problems = _fetch_all(self.address, self.files(shard), Path(folder))
            options = self.local.options
            if (
                options.missing_bands == "mask"
                and not options.selected_bands
                and "" in self.local.columns
            ):
                options = replace(options, bands=self.bands or None)
            downloaded = replace(
                self.local, folder=Path(folder), header_cache=HeaderCache(), options=options
            )
            reading = downloaded.read_any_unit(shard)
        return Reading(
            reading.cutouts, [_explain(failure, problems) for failure in reading.failures]
        )


def open_remote(address: str, options: ReadOptions, opener: Opener) -> "CatalogedSource":
    """Open a source of cutouts on a server.

    Parameters
    ----------
    address : str
        Address of a folder, a catalog, or a file, as `address_of` returns it.
    options : ReadOptions
        The catalog can be local or on a server.
    opener : callable
        Opens a local path with a local catalog.

    Raises
    ------
    UsageError
        If there is nothing there, the server refuses, or a package is missing.
    """
    catalog = _local_catalog(options.catalog)
    address = address.rstrip("/")
    with _server_errors(address):
        system, root = _system(address)
        if _is_file(system, root, address):
            return _open_copy(address, replace(options, catalog=catalog), opener)
        listed = system.find(root, detail=True)
    if not listed:
        raise UsageError(f"{address}: there is no such file or folder")
    stamps = {name[len(root.rstrip("/")) + 1 :]: _stamp(info) for name, info in listed.items()}
    with tempfile.TemporaryDirectory(prefix="galfeat-") as folder:
        inside = next((name for name in sorted(stamps) if _CATALOG.match(name)), None)
        if catalog is None and inside is not None:
            catalog = _download_once(f"{address}/{inside}")
        if catalog is None:
            _touch_files(Path(folder), stamps)
        source = opener(Path(folder), replace(options, catalog=catalog))
    if not isinstance(source, FileSource):
        raise UsageError(f"{address}: is not a folder of cutouts")
    return RemoteSource(address, source, stamps)


def _local_catalog(catalog: str | Path | None) -> Path | None:
    if catalog is None:
        return None
    address = address_of(catalog)
    return _download_once(address) if address else Path(catalog).expanduser().absolute()


def send(file: Path, address: str) -> None:
    """Upload a file to an address, where it appears only once it is complete.

    Raises
    ------
    UsageError
        If the server refuses, or a package is missing.
    """
    with _server_errors(address):
        system, root = _system(address)
        system.put_file(str(file), root)


def receive(address: str, file: Path) -> bool:
    """Download a file, if there is one at that address; return whether there is.

    Raises
    ------
    UsageError
        If the server refuses, or a package is missing.
    """
    with _server_errors(address):
        system, root = _system(address)
        system.invalidate_cache()
        if not system.isfile(root):
            return False
        _fetch(system, root, file)
    return True


def _open_copy(address: str, options: ReadOptions, opener: Opener) -> "CatalogedSource":
    """Open a copy of a file; the paths of a catalog are relative to the original."""
    copy = _download_once(address)
    source = opener(copy, options)
    if isinstance(source, FileSource) and any(
        set(source.catalog.column(name).to_pylist()) != {copy.name}
        for name in source.columns.values()
    ):
        return RemoteSource(address.rpartition("/")[0], source)
    return source


def _is_file(system: Any, root: str, address: str) -> bool:
    name = _name(address)
    readable = is_fits(name) or is_picture(name) or is_catalog(Path(name)) or is_hdf5(name)
    return readable and bool(system.isfile(root))


def _name(address: str) -> str:
    return address.rpartition("/")[2].partition("?")[0]


def _touch_files(folder: Path, names: Mapping[str, object]) -> None:
    """Create empty files: their names alone tell galaxies from sidecar files."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def _download_once(address: str) -> Path:
    """Return this process's copy of a file, downloaded at the first call.

    Its modification time is the stamp of the original.
    """
    folder = _copies() / hashlib.sha256(address.encode()).hexdigest()[:16]
    copy = folder / _name(address)
    if not copy.exists():
        with _server_errors(address):
            system, root = _system(address)
            stamp = _stamp(system.info(root))[1]
            _fetch(system, root, copy)
        if stamp >= 0:
            os.utime(copy, ns=(stamp, stamp))
    return copy


@cache
def _copies() -> Path:
    folder = tempfile.mkdtemp(prefix="galfeat-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _fetch_all(address: str, names: Sequence[str], folder: Path) -> dict[str, str]:
    """Download files; return the reason for each that could not be downloaded."""
    with ThreadPoolExecutor(min(_CONCURRENT, max(1, len(names)))) as pool:
        outcomes = pool.map(partial(_fetch_with_retries, address, folder=folder), names)
        return {name: problem for name, problem in zip(names, outcomes, strict=True) if problem}


def _fetch_with_retries(address: str, name: str, folder: Path) -> str:
    """Download a file; return the reason if it cannot be, or "" where the reader will report it."""
    normal = os.path.normpath(name)
    if normal.startswith((os.pardir, "/")) or "\0" in name or address_of(name):
        return ""  # outside the folder: not to be read either
    for attempt in range(_ATTEMPTS):
        try:
            _fetch(*_system(f"{address}/{name}"), folder / name)
        except FileNotFoundError:
            return ""
        # each kind of server, and its package, has its own exceptions
        except Exception as error:
            if attempt == _ATTEMPTS - 1:
                return f"{type(error).__name__}: {error}"
        else:
            break
    return ""


def _fetch(system: Any, root: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with system.open(root, "rb") as remote, atomic_open(file, durable=False) as local:
        shutil.copyfileobj(remote, local, 1 << 20)


def _system(address: str) -> tuple[Any, str]:
    """Return the fsspec file system of an address, and the path within it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(
            f"{address}: files on a server need another package: pip install 'galfeat[remote]'"
        ) from error
    system, root = url_to_fs(address)
    return system, str(root)


@contextmanager
def _server_errors(address: str) -> Iterator[None]:
    """Convert any exception of a server's package to a UsageError."""
    try:
        yield
    except UsageError:
        raise
    except ImportError as error:
        raise UsageError(
            f"{address}: needs another package: {error}; see pip install 'galfeat[remote]'"
        ) from error
    except FileNotFoundError as error:
        raise UsageError(f"{address}: there is no such file or folder") from error
    except Exception as error:
        raise UsageError(
            f"{address}: cannot be reached: {type(error).__name__}: {error}"
        ) from error


def _query_stamp(address: str, name: str) -> tuple[int, int]:
    try:
        system, root = _system(f"{address}/{name}")
        return _stamp(system.info(root))
    except Exception:  # reading the file will report it
        return -1, -1


def _stamp(info: Mapping[str, Any]) -> tuple[int, int]:
    """Return a file's size in bytes and a digest of its ETag or time; -1 where it is unknown."""
    size = int(info.get("size") or -1)
    for name in (
        "ETag",
        "etag",
        "md5Hash",
        "LastModified",
        "last_modified",
        "mtime",
        "updated",
        "created",
    ):
        if info.get(name):
            return size, int(hashlib.sha256(str(info[name]).encode()).hexdigest()[:12], 16)
    return size, -1


def _explain(failure: Failure, problems: Mapping[str, str]) -> Failure:
    problem = problems.get(failure.file)
    return replace(failure, reason=f"could not be fetched: {problem}") if problem else failure
