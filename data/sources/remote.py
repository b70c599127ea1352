"""Cutouts on a server: object stores (``s3://``, ``gs://``) and the web (``https://``), read a
shard at a time.

What a local folder, catalogue or file can be, one on a server can be too. The files of a shard are
fetched side by side into a temporary folder, read there like any others, and removed again; one
large file (extensions, HDF5, Parquet) is fetched once and read from the copy. Needs fsspec and, for
each kind of server, the package that fsspec names: ``pip install 'galfeat[remote]'`` has those of
S3 and the web. Keys and endpoints are taken from where these packages look for them (environment
variables, ``~/.aws``, fsspec's configuration).
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
from galfeat.data.sources.base import Failure, Reading, Shard
from galfeat.data.sources.catalogs import is_catalog
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.folders import is_fits, is_picture
from galfeat.data.sources.hdf5 import is_hdf5

if TYPE_CHECKING:
    from galfeat.data.sources.open import Opened

__all__ = ["RemoteSource", "address_of", "open_remote", "receive", "send"]

_ADDRESS = re.compile(r"^(s3|s3a|gs|gcs|https?|abfs|abfss|az|memory):/+(?=[^/])")
_AT_ONCE = 16  # files that are fetched side by side
_ATTEMPTS = 3
_CATALOG = re.compile(r"^catalog\.(csv|ecsv|fits|vot|parquet)$")
Opener = Callable[[Path, Path | None], "Opened"]


def address_of(path: object) -> str | None:
    """Return the address that a path is, or None if it is a local one.

    Examples
    --------
    >>> address_of("s3://bucket/cutouts"), address_of(Path("s3://bucket/cutouts"))
    ('s3://bucket/cutouts', 's3://bucket/cutouts')
    >>> address_of("cutouts/") is None
    True
    """
    # a Path has lost one of the two slashes
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
        Where the paths of the catalogue start.
    local : FileSource
        The same files as if they lay here.
    stamps : mapping of str to (int, int)
        Bytes of the files and a number that changes when they do, where the server lists them.
    """

    address: str
    local: FileSource
    stamps: Mapping[str, tuple[int, int]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.local)

    @property
    def catalog(self) -> pa.Table:
        """One row an entry, with the columns ``id`` and ``file``."""
        return self.local.catalog

    @property
    def left_out(self) -> tuple[str, ...]:
        """Companion files of a folder that are no galaxies."""
        return self.local.left_out

    @property
    def left_out_columns(self) -> tuple[str, ...]:
        """Columns of the catalogue that hold no single value a row."""
        return self.local.left_out_columns

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands asked for, or those of the first cutout that can be read; none if none can."""
        if self.local.wanted:
            return self.local.wanted
        plain = replace(self, local=replace(self.local, missing_bands="fail"))
        readings = (plain.read(Shard(row, row + 1)) for row in range(len(self)))
        return next((reading.cutouts[0].bands for reading in readings if reading.cutouts), ())

    def shards(self, size: int = 256) -> Sequence[Shard]:
        """Return runs of `size` entries that together are the source."""
        return self.local.shards(size)

    def files(self, shard: Shard) -> list[str]:
        """Return the names of the files of a shard, companions with them, each once."""
        part = self.catalog.slice(shard.start, len(shard))
        names = [
            name
            for column in self.local.columns.values()
            for name in part.column(column).to_pylist()
        ]
        names += [
            each.of(row) for each in self.local.beside for row in range(shard.start, shard.stop)
        ]
        return list(dict.fromkeys(name for name in names if name))

    def marks(self, shard: Shard) -> list[tuple[str, int, int]]:
        """Return name, bytes and a number that changes with the content of each file of a shard.

        -1 where the server does not say.
        """
        names = self.files(shard)
        asked = [name for name in names if name not in self.stamps]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            answers = dict(zip(asked, pool.map(partial(_asked, self.address), asked), strict=True))
        return [(name, *(self.stamps.get(name) or answers[name])) for name in names]

    def read(self, shard: Shard) -> Reading:
        """Fetch and read the cutouts of a shard.

        What cannot be fetched is a failure with the server's reason.
        """
        with tempfile.TemporaryDirectory(prefix="galfeat-") as folder:
            problems = _fetch_all(self.address, self.files(shard), Path(folder))
            masks = (
                self.local.missing_bands == "mask"
                and not self.local.wanted
                and "" in self.local.columns
            )
            here = replace(
                self.local,
                folder=Path(folder),
                known=HeaderCache(),
                wanted=self.bands if masks else self.local.wanted,
            )
            reading = here.read(shard)
        return Reading(
            reading.cutouts, [_explained(failure, problems) for failure in reading.failures]
        )


def open_remote(address: str, catalog: str | Path | None, opener: Opener) -> "Opened":
    """Find cutouts on a server.

    Parameters
    ----------
    address : str
        As `address_of` gives it: a folder, a catalogue, or a file.
    catalog : str or Path, optional
        As in `galfeat.data.open_source`; here or on a server.
    opener : callable
        Opens a local path with a local catalogue.

    Raises
    ------
    UsageError
        If there is nothing there, the server refuses, or a package is missing.
    """
    elsewhere = address_of(catalog) if catalog is not None else None
    own = (
        _copy(elsewhere)
        if elsewhere
        else Path(catalog).expanduser().absolute()
        if catalog is not None
        else None
    )
    address = address.rstrip("/")
    with _asking(address):
        system, root = _system(address)
        if _is_file(system, root, address):
            return _of_file(address, own, opener)
        listed = system.find(root, detail=True)
    if not listed:
        raise UsageError(f"{address}: there is no such file or folder")
    found = {name[len(root.rstrip("/")) + 1 :]: _stamp(about) for name, about in listed.items()}
    with tempfile.TemporaryDirectory(prefix="galfeat-") as folder:
        inside = next((name for name in sorted(found) if _CATALOG.match(name)), None)
        if own is None and inside is not None:
            own = _copy(f"{address}/{inside}")
        if own is None:
            _pretend(Path(folder), found)
        return RemoteSource(address, _as_files(opener(Path(folder), own), address), found)


def send(file: Path, address: str) -> None:
    """Send a file to an address; there, it appears whole.

    Raises
    ------
    UsageError
        If the server refuses, or a package is missing.
    """
    with _asking(address):
        system, root = _system(address)
        system.put_file(str(file), root)


def receive(address: str, file: Path) -> bool:
    """Fetch a file, if there is one at that address; return whether there is.

    Raises
    ------
    UsageError
        If the server refuses, or a package is missing.
    """
    with _asking(address):
        system, root = _system(address)
        system.invalidate_cache()
        if not system.isfile(root):
            return False
        _fetch(system, root, file)
    return True


def _of_file(address: str, catalog: Path | None, opener: Opener) -> "Opened":
    """Open a copy of a file; if it is a catalogue, its paths are meant from where the original
    is.
    """
    copy = _copy(address)
    source = opener(copy, catalog)
    if isinstance(source, FileSource) and any(
        set(source.catalog.column(name).to_pylist()) != {copy.name}
        for name in source.columns.values()
    ):
        return RemoteSource(address.rpartition("/")[0], source)
    return source


def _as_files(source: "Opened", address: str) -> FileSource:
    if not isinstance(source, FileSource):
        raise UsageError(f"{address}: is no folder of cutouts")
    return source


def _is_file(system: Any, root: str, address: str) -> bool:
    name = _name(address)
    looks = is_fits(name) or is_picture(name) or is_catalog(Path(name)) or is_hdf5(name)
    return looks and bool(system.isfile(root))


def _name(address: str) -> str:
    return address.rpartition("/")[2].partition("?")[0]


def _pretend(mirror: Path, names: Mapping[str, object]) -> None:
    """Make empty files of these names: which of them are galaxies is told by names alone."""
    for name in names:
        place = mirror / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _copy(address: str) -> Path:
    """Return the copy of a whole file that this process made, or make it.

    Its time of change is the mark of the original.
    """
    folder = _copies() / hashlib.sha256(address.encode()).hexdigest()[:16]
    place = folder / _name(address)
    if not place.exists():
        with _asking(address):
            system, root = _system(address)
            mark = _stamp(system.info(root))[1]
            _fetch(system, root, place)
        if mark >= 0:
            os.utime(place, ns=(mark, mark))
    return place


@cache
def _copies() -> Path:
    folder = tempfile.mkdtemp(prefix="galfeat-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _fetch_all(address: str, names: Sequence[str], folder: Path) -> dict[str, str]:
    """Fetch files; return why of those that could not be."""
    with ThreadPoolExecutor(min(_AT_ONCE, max(1, len(names)))) as pool:
        outcomes = pool.map(partial(_tried, address, folder=folder), names)
        return {name: problem for name, problem in zip(names, outcomes, strict=True) if problem}


def _tried(address: str, name: str, folder: Path) -> str:
    normal = os.path.normpath(name)
    if normal.startswith((os.pardir, "/")) or "\0" in name or address_of(name):
        return ""  # what may not be read is not fetched either; the reader says so
    for attempt in range(_ATTEMPTS):
        try:
            _fetch(*_system(f"{address}/{name}"), folder / name)
        except FileNotFoundError:
            return ""  # the reader says so
        # whatever a server, or the package that talks to it, comes up with
        except Exception as error:
            if attempt == _ATTEMPTS - 1:
                return f"{type(error).__name__}: {error}"
        else:
            break
    return ""


def _fetch(system: Any, root: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with system.open(root, "rb") as there, atomic_open(place, durable=False) as here:
        shutil.copyfileobj(there, here, 1 << 20)


def _system(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the address as the file system writes it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(
            f"{address}: files on a server need another package: pip install 'galfeat[remote]'"
        ) from error
    system, root = url_to_fs(address)
    return system, str(root)


@contextmanager
def _asking(address: str) -> Iterator[None]:
    """Turn what a server refuses, in whatever words, into a sentence."""
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
    except Exception as error:  # each kind of server has its own
        raise UsageError(
            f"{address}: cannot be reached: {type(error).__name__}: {error}"
        ) from error


def _asked(address: str, name: str) -> tuple[int, int]:
    try:
        system, root = _system(f"{address}/{name}")
        return _stamp(system.info(root))
    except Exception:  # whatever it is, reading the file will say it
        return -1, -1


def _stamp(about: Mapping[str, Any]) -> tuple[int, int]:
    """Return the bytes of a file and a number that changes when it does, -1 where the server does
    not say.
    """
    size = int(about.get("size") or -1)
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
        if about.get(name):
            return size, int(hashlib.sha256(str(about[name]).encode()).hexdigest()[:12], 16)
    return size, -1


def _explained(failure: Failure, problems: Mapping[str, str]) -> Failure:
    problem = problems.get(failure.file)
    return replace(failure, reason=f"could not be fetched: {problem}") if problem else failure
