"""Helpers of the survey readers: class names, tables joined to pictures, image sizes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from galfeat import UsageError
from galfeat.data.sources.base import Shard
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.image_sets.hdf5 import Hdf5Source
from galfeat.data.sources.open import open_source

__all__ = ["join_table", "name_classes", "open_pictures", "open_square_images", "set_text_column"]

_log = logging.getLogger("galfeat")


def set_text_column(table: pa.Table, name: str, values: Sequence[Any]) -> pa.Table:
    """Return a table with a text column replaced, or appended if it is new."""
    column = pa.array(values, pa.string())
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, column)
    return table.append_column(name, column)


def name_classes(source: Hdf5Source, column: str, classes: Sequence[str]) -> Hdf5Source:
    """Replace class numbers by class names, in the column ``label``.

    Parameters
    ----------
    source : Hdf5Source
    column : str
        Column of the class numbers, from 0.
    classes : sequence of str
        Names of the classes.

    Raises
    ------
    UsageError
        If there is no such column, or it holds other numbers.
    """
    path, there = source.path, source.catalog.column_names
    if column not in there:
        raise UsageError(f"{path}: holds images but no classes; its columns are {', '.join(there)}")
    values = source.catalog.column(column).to_pylist()
    numbers = {str(number): name for number, name in enumerate(classes)}
    known = numbers | {name: name for name in classes}
    other = next((str(value) for value in values if str(value) not in known), None)
    if other is not None:
        raise UsageError(
            f"{path}: '{other}' is not a class of this set: they are numbered from 0 to "
            f"{len(classes) - 1}"
        )
    table = source.catalog if column == "label" else source.catalog.drop_columns([column])
    return replace(
        source, catalog=set_text_column(table, "label", [known[str(value)] for value in values])
    )


def open_square_images(path: Path, sides: Mapping[int, str]) -> Hdf5Source:
    """Open an HDF5 image set and check that its images have one of the expected sides.

    Parameters
    ----------
    path : Path
    sides : mapping of int to str
        Name of the data set with that side, pixels; ``""`` for the expected one.

    Raises
    ------
    UsageError
        If it is not such a file, or its images have another size.
    """
    source = open_source(path)
    if not isinstance(source, Hdf5Source):
        raise UsageError(f"{path}: is no HDF5 file")
    first = source.read(Shard(0, 1))
    if not first.cutouts:
        raise UsageError(f"{path}: its first image cannot be read: {first.failures[0].reason}")
    ny, nx = first.cutouts[0].pixels.shape[1:]
    if ny != nx or sides.get(ny, "other"):
        own = " or ".join(str(side) for side, name in sides.items() if not name)
        hint = f": that is the size of {sides[ny]}" if ny == nx and ny in sides else ""
        raise UsageError(
            f"{path}: its images have {ny} x {nx} pixels, where {own} x {own} are expected{hint}"
        )
    return source


def open_pictures(folder: Path) -> FileSource:
    """Open all pictures of a folder, ignoring tables in it.

    Raises
    ------
    UsageError
        If there is no such folder, or it holds no pictures.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder of pictures")
    source = open_source(folder)
    if not isinstance(source, FileSource):
        raise UsageError(f"{folder}: is not a folder of pictures")
    return source


def join_table(
    pictures: FileSource, table: pa.Table, names: Sequence[str], path: Path
) -> FileSource:
    """Join a table to pictures by their file names.

    Parameters
    ----------
    pictures : FileSource
        Of a folder of pictures.
    table : pyarrow.Table
        With the column ``id``; its column ``file``, if any, is replaced.
    names : sequence of str
        For each row, the file name of its picture without folder and suffix.
    path : Path
        Of the table, for messages.

    Returns
    -------
    FileSource
        One entry for each row that has a picture, in the order of the table.

    Raises
    ------
    UsageError
        If no row has a picture.
    """
    files = {PurePosixPath(file).stem: file for file in pictures.catalog.column("file").to_pylist()}
    rows = [row for row, name in enumerate(names) if name in files]
    if not rows:
        raise UsageError(
            f"{path}: none of its galaxies has a picture in {pictures.folder}: '{names[0]}' would "
            "be the name of the first"
        )
    if len(rows) < len(names):
        _log.warning(
            "%s: %d of %d galaxies have no picture in %s",
            path,
            len(names) - len(rows),
            len(names),
            pictures.folder,
        )
    return replace(
        pictures,
        catalog=set_text_column(
            table.take(pa.array(rows)), "file", [files[names[row]] for row in rows]
        ),
    )
