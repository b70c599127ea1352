"""Which files a shard is read from, and what tells each of them from a changed one."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from galfeat.data import Shard, Source
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.mosaics.source import MosaicSource
from galfeat.data.sources.remote import RemoteSource
from galfeat.data.sources.row_source import RowSource

__all__ = ["Stamp", "names_of", "settings_of", "stamps_of"]

_PLACES = ("folder", "path", "beside", "left_out", "left_out_columns")
# name, bytes, time of the last change in nanoseconds; -1 and -1 where there is no such file
Stamp = tuple[str, int, int]


def stamps_of(source: Source, shard: Shard) -> list[Stamp]:
    """Return the stamps of a shard's files, each once, in order.

    None for a source that is in no files that are known here.
    """
    if isinstance(source, RemoteSource):
        return source.file_stamps(shard)
    return [_stamp(name, path) for name, path in dict(_files(source, shard)).items()]


def names_of(source: Source, shard: Shard) -> set[str]:
    """Return the names of a shard's files, as they stand in the stamps.

    Nothing is asked of a disk or a server.
    """
    if isinstance(source, RemoteSource):
        return set(source.files(shard))
    return {name for name, _ in _files(source, shard)}


def _files(source: Source, shard: Shard) -> Iterable[tuple[str, Path]]:
    if isinstance(source, FileSource):
        part = source.catalog.slice(shard.start, len(shard))
        own = [part.column(column).to_pylist() for column in source.columns.values()]
        beside = [each.files.slice(shard.start, len(shard)).to_pylist() for each in source.sidecars]
        names = (name for column in [*own, *beside] for name in column)
        return ((name, source.folder / name) for name in names if name and "\0" not in name)
    if isinstance(source, MosaicSource):
        numbers = sorted(set(source.which[shard.start : shard.stop].ravel().tolist()))
        return ((source.planes[number].file, source.planes[number].path) for number in numbers)
    if isinstance(source, RowSource) and isinstance(path := getattr(source, "path", None), Path):
        return [(path.name, path)]
    return []


def settings_of(source: Source) -> dict[str, Any]:
    """Return how a source reads, as JSON values: which bands, which layout, what counts as bad.

    Not where it is, nor what is in it.
    """
    if isinstance(source, FileSource | RowSource | RemoteSource):
        return dict(source.settings)
    fields: tuple[dataclasses.Field[Any], ...] = (
        dataclasses.fields(source) if dataclasses.is_dataclass(source) else ()
    )
    return {
        field.name: str(getattr(source, field.name))
        for field in fields
        if field.repr and field.name not in _PLACES
    }


def _stamp(name: str, path: Path) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 - a million times
    except (OSError, ValueError):
        return name, -1, -1
    return name, found.st_size, found.st_mtime_ns
