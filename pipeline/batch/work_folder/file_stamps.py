"""Stamps of a shard's files: name, size and modification time, to detect changed files."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from galfeat.data import Shard, Source
from galfeat.data.fits.selectors import split_selectors
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.mosaics.source import MosaicSource
from galfeat.data.sources.remote import RemoteSource
from galfeat.data.sources.row_source import RowSource

__all__ = ["FileStamp", "file_names", "file_stamps", "have_changed", "reading_settings"]

# fields of sources with the place of the data, not the settings of reading
_LOCATIONS = ("folder", "path", "left_out", "left_out_columns")
FileStamp = tuple[str, int, int]
"""Name, bytes, modification time in nanoseconds; -1 and -1 if there is no such file."""


def file_stamps(source: Source, shard: Shard) -> list[FileStamp]:
    """Return the stamps of a shard's files, each file once, in order.

    Empty for a source whose files are not known.
    """
    if isinstance(source, RemoteSource):
        return source.file_stamps(shard)
    return [_stamp(name, path) for name, path in dict(_files(source, shard)).items()]


def have_changed(source: Source, shard: Shard, stamps: list[FileStamp]) -> bool:
    """Return whether a shard's files have other stamps now; servers are not asked again."""
    if isinstance(source, RemoteSource):
        return False
    if isinstance(source, FileSource):  # a million files: without the catalog, by names alone
        folder = os.fspath(source.folder)
        return any(_stamp(each[0], os.path.join(folder, each[0])) != each for each in stamps)  # noqa: PTH118 - fast
    return file_stamps(source, shard) != stamps


def file_names(source: Source, shard: Shard) -> set[str]:
    """Return the names of a shard's files, as in the stamps, without access to disk or server."""
    if isinstance(source, RemoteSource):
        return set(source.files(shard))
    return {name for name, _ in _files(source, shard)}


def _files(source: Source, shard: Shard) -> Iterable[tuple[str, Path]]:
    if isinstance(source, FileSource):
        part = source.catalog.slice(shard.start, len(shard))
        images = [part.column(column).to_pylist() for column in source.columns.values()]
        sidecars = [
            each.files.slice(shard.start, len(shard)).to_pylist() for each in source.sidecars
        ]
        names = (name for column in [*images, *sidecars] for name in column)
        return (
            # brackets behind a name choose an image of the file
            (name, source.folder / (split_selectors(name)[0] if name.endswith("]") else name))
            for name in names
            if name and "\0" not in name
        )
    if isinstance(source, MosaicSource):
        numbers = sorted(set(source.which[shard.start : shard.stop].ravel().tolist()))
        return ((source.planes[number].file, source.planes[number].path) for number in numbers)
    if isinstance(source, RowSource) and isinstance(path := getattr(source, "path", None), Path):
        return [(path.name, path)]
    return []


def reading_settings(source: Source) -> dict[str, Any]:
    """Return how a source reads, as JSON values: bands, layout, bad-pixel rules.

    Neither its location nor its contents.
    """
    if isinstance(source, FileSource | RowSource | RemoteSource):
        return dict(source.settings)
    fields: tuple[dataclasses.Field[Any], ...] = (
        dataclasses.fields(source) if dataclasses.is_dataclass(source) else ()
    )
    return {
        field.name: str(getattr(source, field.name))
        for field in fields
        if field.repr and field.name not in _LOCATIONS
    }


def _stamp(name: str, path: Path | str) -> FileStamp:
    try:
        found = os.stat(path)  # noqa: PTH116 - called for each of a million files
    except (OSError, ValueError):
        return name, -1, -1
    return name, found.st_size, found.st_mtime_ns
