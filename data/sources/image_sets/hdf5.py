"""Image sets in HDF5: Galaxy10 SDSS, Galaxy10 DECaLS, and others of their layout.

The dataset ``images`` has the axes (galaxy, y, x, color) or (galaxy, band, y, x); the optional
dataset ``ans`` has the classes. Every other dataset with one value a galaxy, such as ``ra``,
``dec`` and ``redshift``, becomes a column of the catalog.
"""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout, band_names
from galfeat.data.memory import BUDGET
from galfeat.data.sources.base import Failure, Shard
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.row_source import RowSource

__all__ = ["Hdf5Source", "is_hdf5", "open_hdf5"]

_SUFFIXES = (".h5", ".hdf5", ".hdf")
_IMAGES = "images"
_CLASSES = "ans"
_CLASS_NAME_KEYS = ("class_names", "classes", "names")
# Factor and bytes by which pixels can exceed the size of their file: they are compressed, or not
# written yet.
_COMPRESSION, _UNWRITTEN = 10_000, 1 << 30
# What h5py raises on damaged files, beside its own sentences.
_H5PY_ERRORS = (
    OSError,
    KeyError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    MemoryError,
)
_COLORS = ("red", "green", "blue")
# Upper bounds of the memory that reading takes: bytes for each number beside its own, and copies of
# a chunk that is decompressed.
_NUMBER_BYTES, _CHUNK_COPIES = 8, 3
# deflate packs at most 1032 to 1; chunks that cannot unpack to more than this are not looked into
_MOST_DEFLATED, _UNCHECKED = 1032, 1 << 28
_PIECE = 1 << 20  # bytes that are unpacked at a time, to count them
_CHECKSUM = 16  # bytes that another filter may add to a chunk


def is_hdf5(file: str) -> bool:
    """Return whether a file is an HDF5 file by its name."""
    return file.lower().endswith(_SUFFIXES)


@dataclass(frozen=True, eq=False)
class Hdf5Source(RowSource):
    """Cutouts in one dataset of an HDF5 file; made by `galfeat.data.open_source`.

    Parameters
    ----------
    path : Path
    stored_bands : tuple of str
        Bands of the dataset.
    named : bool
        Whether these are names: red, green and blue of a color picture.
    channels_last : bool
        Whether the last axis is the bands; otherwise the second is.
    eight_bit : bool
        Whether the pixels are those of 8-bit pictures.
    """

    path: Path = Path()
    stored_bands: tuple[str, ...] = ()
    named: bool = False
    channels_last: bool = False
    eight_bit: bool = False

    @property
    def _masks_missing(self) -> bool:
        return not self.eight_bit

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them."""
        return {
            **super().settings,
            "own": str(self.stored_bands),
            "named": str(self.named),
            "colors_last": str(self.channels_last),
        }

    def _read_rows(self, shard: Shard) -> Sequence[Cutout | Failure]:
        ids, file = self._ids(shard), self.path.name
        try:
            with _opened(self.path) as opened:
                images = opened[_IMAGES]
                try:
                    pixels = self._read_pixels(images, shard)
                # one damaged chunk, or too many galaxies at once: others can be read
                except (*_H5PY_ERRORS, CutoutError):
                    return [
                        self._read_one(images, name, row)
                        for row, name in enumerate(ids, start=shard.start)
                    ]
        except _H5PY_ERRORS as error:
            return [
                Failure(name, file, "read", f"cannot be read: {_explain(error)}", row)
                for row, name in enumerate(ids, start=shard.start)
            ]
        if len(pixels) != len(ids):
            reason = "its file holds fewer galaxies than before"
            return [
                Failure(name, file, "read", reason, row)
                for row, name in enumerate(ids, start=shard.start)
            ]
        rows = enumerate(zip(ids, pixels, strict=True), start=shard.start)
        return [
            Cutout(
                name,
                planes,
                self.stored_bands,
                file=file,
                named=self.named,
                row=row,
                picture=self.eight_bit,
            )
            for row, (name, planes) in rows
        ]

    def _read_one(self, images: Any, name: str, row: int) -> Cutout | Failure:
        try:
            pixels = self._read_pixels(images, Shard(row, row + 1))[0]
        except CutoutError as error:
            return Failure(name, self.path.name, "read", str(error), row)
        except _H5PY_ERRORS as error:
            reason = f"its pixels are damaged: {_explain(error)}"
            return Failure(name, self.path.name, "read", reason, row)
        return Cutout(
            name,
            pixels,
            self.stored_bands,
            file=self.path.name,
            named=self.named,
            row=row,
            picture=self.eight_bit,
        )

    def _read_pixels(self, images: Any, shard: Shard) -> NDArray[np.float32]:
        """Read images as float32 of shape (n, bands, ny, nx)."""
        numbers = len(shard) * prod(images.shape[1:])
        chunk = prod(images.chunks or (0,)) * images.dtype.itemsize
        needed = numbers * (images.dtype.itemsize + _NUMBER_BYTES) + _CHUNK_COPIES * chunk
        with BUDGET.reserve(needed):
            _check_deflated(images, shard, chunk)
            return self._arrange(images[shard.start : shard.stop])

    def _arrange(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Convert stored images to float32 of shape (n, bands, ny, nx)."""
        planes = (
            stored[:, np.newaxis]
            if stored.ndim == 3
            else np.moveaxis(stored, -1, 1)
            if self.channels_last
            else stored
        )
        with np.errstate(all="ignore"):  # values beyond float32 become infinite: bad pixels
            pixels = np.ascontiguousarray(planes, dtype=np.float32)
        lost = np.isinf(pixels) if planes.dtype.itemsize > 4 else np.zeros(0, bool)
        if lost.any() and np.isfinite(planes[lost]).any():
            self.header_cache.report(
                self.path.name, {"overflow": "pixels of it are beyond float32: they are bad pixels"}
            )
        return pixels


def open_hdf5(path: Path, options: ReadOptions) -> Hdf5Source:
    """Open the image set of an HDF5 file.

    Parameters
    ----------
    path : Path
    options : ReadOptions
        The catalog is not read here.

    Raises
    ------
    UsageError
        If h5py is not installed, or the file cannot be read or holds no dataset ``images`` of that
        layout.
    """
    try:
        with _opened(path) as file:
            images = _images(file, path)
            bands = 1 if images.ndim == 3 else min(images.shape[1], images.shape[3])
            channels_last = images.ndim == 4 and images.shape[3] < images.shape[1]
            eight_bit = images.dtype == np.uint8
            is_color = bands == 3 and eight_bit
            catalog = _catalog(file, images.shape[0], path)
    except UsageError:
        raise
    except _H5PY_ERRORS as error:
        raise UsageError(f"{path}: cannot be read as an HDF5 file: {_explain(error)}") from error
    return Hdf5Source(
        catalog,
        options,
        path=path,
        stored_bands=_COLORS if is_color else band_names(bands),
        named=is_color,
        channels_last=channels_last,
        eight_bit=bool(eight_bit),
    )


def _check_deflated(images: Any, shard: Shard, chunk: int) -> None:
    """Check that compressed chunks do not unpack to more than their shape tells.

    The HDF5 library allocates whatever a chunk unpacks to. Only large ones can unpack to much.

    Raises
    ------
    CutoutError
        If a chunk unpacks to more.
    """
    if images.compression != "gzip":
        return
    corners = product(
        range(shard.start - shard.start % images.chunks[0], shard.stop, images.chunks[0]),
        *(
            range(0, length, step)
            for length, step in zip(images.shape[1:], images.chunks[1:], strict=True)
        ),
    )
    for corner in corners:
        if _unpacks_to_more(images.id, corner, chunk):
            raise CutoutError(
                f"its pixels are damaged: a chunk unpacks to more than its {chunk:,} bytes"
            )


def _unpacks_to_more(dataset: Any, corner: tuple[int, ...], chunk: int) -> bool:
    try:
        stored = dataset.get_chunk_info_by_coord(corner).size
        if (stored or 0) * _MOST_DEFLATED <= max(_UNCHECKED, chunk):
            return False
        _, data = dataset.read_direct_chunk(corner)
        unpacker, left = zlib.decompressobj(), chunk + _CHECKSUM
        while data and left >= 0:
            left -= len(unpacker.decompress(data, _PIECE))
            data = unpacker.unconsumed_tail
    except (*_H5PY_ERRORS, zlib.error):
        return False  # not written, or damaged: reading it reports that
    return left < 0


def _explain(error: Exception) -> str:
    """Return h5py's message, or that it is damaged where there is none."""
    words = str(error.args[0]) if error.args else ""
    return words or "it is damaged, or claims more than fits into memory"


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        # imported late: it takes a quarter of a second, and only HDF5 files need it
        import h5py
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{path}: reading HDF5 needs the package h5py: pip install 'galfeat[hdf5]'"
        ) from error
    with h5py.File(path, "r") as file:
        yield file


def _images(file: Any, path: Path) -> Any:
    images = file.get(_IMAGES)
    shape = getattr(images, "shape", None)
    if shape is None:
        raise UsageError(f"{path}: {_explain_missing(file, images)}")
    if len(shape) in (3, 4) and not shape[0]:
        raise UsageError(f"{path}: holds no galaxies: its dataset '{_IMAGES}' has 0 images")
    if len(shape) not in (3, 4) or 0 in shape or images.dtype.kind not in "uif":
        raise UsageError(
            f"{path}: its dataset '{_IMAGES}' must hold numbers with the axes (galaxy, y, x, "
            "color), (galaxy, band, y, x) "
            f"or (galaxy, y, x); there is {_list_datasets(file)}"
        )
    claimed, size = images.size * images.dtype.itemsize, path.stat().st_size
    if claimed > size * _COMPRESSION + _UNWRITTEN and not (images.external or images.is_virtual):
        raise UsageError(
            f"{path}: its dataset '{_IMAGES}' claims {_describe(images)}, which a file of {size:,} "
            "bytes cannot hold: it is damaged"
        )
    return images


def _explain_missing(file: Any, images: Any) -> str:
    """Return what the file holds in place of a dataset of images."""
    link = file.get(_IMAGES, getlink=True)
    if images is None and link is not None:
        where = " of ".join(
            repr(part)
            for part in (getattr(link, "path", ""), getattr(link, "filename", ""))
            if part
        )
        return (
            f"its '{_IMAGES}' is a link to {where}, which does not exist"
            if where
            else f"its '{_IMAGES}' cannot be opened: it is damaged"
        )
    if images is None:
        problem = f"holds no dataset '{_IMAGES}', only {_list_datasets(file)}"
    elif hasattr(images, "keys"):
        problem = (
            f"its '{_IMAGES}' is a group, not a dataset; the file holds {_list_datasets(file)}"
        )
    else:
        return f"holds no galaxies: its '{_IMAGES}' is empty"
    return f"{problem}; rename the one with the pixels to '{_IMAGES}'"


def _list_datasets(file: Any) -> str:
    datasets: list[str] = []

    def note(name: str, item: Any) -> None:
        if getattr(item, "shape", None) is not None:
            datasets.append(f"{name} ({_describe(item)})")

    file.visititems(note)
    return ", ".join(datasets) or "nothing"


def _describe(item: Any) -> str:
    return f"{' x '.join(map(str, item.shape)) or 'one value'}, {item.dtype}"


def _catalog(file: Any, count: int, path: Path) -> pa.Table:
    columns: dict[str, Any] = {
        "id": [f"{path.stem}[{number}]" for number in range(count)],
        "file": [path.name] * count,
    }
    if _CLASSES in file:
        columns["label"] = _classes(file, count, path)
    for name, item in file.items():
        if (
            name not in (_CLASSES, *columns)
            and getattr(item, "shape", None) == (count,)
            and item.dtype.kind in "uifbSO"
        ):
            columns[name] = (
                _texts(item[:])
                if item.dtype.kind in "SO"
                else item[:].astype(item.dtype.newbyteorder("="))
            )
    return pa.table(columns)


def _classes(file: Any, count: int, path: Path) -> list[str]:
    answers = file[_CLASSES]
    if getattr(answers, "shape", None) != (count,) or answers.dtype.kind not in "uifSO":
        raise UsageError(
            f"{path}: its dataset '{_CLASSES}' must hold a class for each of the {count:,} "
            f"galaxies; there is {_list_datasets(file)}"
        )
    if answers.dtype.kind in "SO":
        return _texts(answers[:])
    names = next(
        (
            _texts(np.asarray(found))
            for key in _CLASS_NAME_KEYS
            if (found := _class_names(file, answers, key)) is not None
        ),
        [],
    )
    numbers = answers[:].tolist()
    if names and all(number == int(number) and 0 <= number < len(names) for number in numbers):
        return [names[int(number)] for number in numbers]
    return [
        str(int(number)) if number == number // 1 else "" if number != number else str(number)
        for number in numbers
    ]


def _class_names(file: Any, answers: Any, key: str) -> Any:
    """Return class names from a dataset, or from an attribute of ``ans`` or of the file."""
    if key in file:
        return file[key][()]
    found = answers.attrs.get(key, file.attrs.get(key))
    return None if found is None or np.ndim(found) != 1 else found


def _texts(values: NDArray[Any]) -> list[str]:
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in np.ravel(values).tolist()
    ]
