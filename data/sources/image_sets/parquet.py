"""Image sets in Parquet as on Hugging Face: a column of JPEG or PNG pictures, and one of labels."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout
from galfeat.data.memory import BUDGET
from galfeat.data.sources.base import Failure, Shard
from galfeat.data.sources.catalogs.catalog import Catalog
from galfeat.data.sources.image_sets.parquet_pages import largest_page
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.pictures import decode_picture
from galfeat.data.sources.row_source import RowSource

__all__ = ["ParquetSource", "image_column", "is_parquet", "open_image_set"]

_SUFFIXES = (".parquet", ".pq")
_BATCH_ROWS = 32  # pictures that are read at a time
_PAGE_COPIES = 7  # of a page, while it is decompressed and its pictures are collected
_NAMES = ("image", "img", "images", "picture")


def is_parquet(file: str) -> bool:
    """Return whether a file is a Parquet file by its name."""
    return file.lower().endswith(_SUFFIXES)


def image_column(path: Path) -> str | None:
    """Return the column of pictures of a Parquet file; None if it is a catalog or no Parquet file.

    Raises
    ------
    UsageError
        If it is a feature table.
    """
    try:
        schema = pq.read_schema(path)
        names = schema.names
    except (OSError, UnicodeDecodeError, pa.ArrowException):
        return None  # reading it as a catalog reports why
    if b"galfeat" in (schema.metadata or {}):
        raise UsageError(
            f"{path}: is a feature table, not cutouts: they are measured already ('galfeat train' "
            "takes it as it is)"
        )
    if any(name == "file" or name.startswith("file_") for name in names):
        return None
    pictures = [field.name for field in schema if _holds_bytes(field.type)]
    return next(
        (name for name in _NAMES if name in pictures), pictures[0] if len(pictures) == 1 else None
    )


@dataclass(frozen=True, eq=False)
class ParquetSource(RowSource):
    """Pictures in a column of a Parquet file; made by `galfeat.data.open_source`.

    Parameters
    ----------
    path : Path
    column : str
        Column of the pictures: bytes, or structs of ``bytes`` and ``path``.
    """

    path: Path = Path()
    column: str = ""

    @property
    def settings(self) -> dict[str, str]:
        """Settings that decide which pixels are read, as the metadata of tables record them."""
        return {**super().settings, "column": self.column}

    @property
    def _masks_missing(self) -> bool:
        return False  # black sky is common in pictures

    def _read_rows(self, shard: Shard) -> Iterator[Cutout | Failure]:
        ids = self._ids(shard)
        done = 0
        try:
            with pq.ParquetFile(self.path) as file:
                groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
            stop = 0
            for number, group in enumerate(groups):
                start, stop = stop, stop + group.num_rows
                first, last = max(start, shard.start), min(stop, shard.stop)
                if first < last:
                    part = range(first - start, last - start)
                    for found in self._read_group(number, group, part, ids[done:], first):
                        yield found
                        done += 1
        except (OSError, IndexError, pa.ArrowException) as error:
            reason = f"cannot be read: {str(error).strip().splitlines()[0]}"
        else:
            reason = "there is no picture in its row"
        for row, name in enumerate(ids[done:], start=shard.start + done):
            yield Failure(name, self.path.name, "read", reason, row)

    def _read_group(
        self, number: int, group: Any, part: range, ids: Sequence[str], row: int
    ) -> Iterator[Cutout | Failure]:
        """Read some rows of a row group; `row` is the first one's in the catalog."""
        named = list(zip(range(row, row + len(part)), ids, strict=False))
        read = 0
        try:
            chunk, nested = _column_chunk(group, self.column)
            page = largest_page(self.path, chunk)
            with BUDGET.reserve(_PAGE_COPIES * page + chunk.total_compressed_size):
                for data in _pictures(self.path, self.column, nested, number, part):
                    yield self._cutout(named[read][1], named[read][0], data)
                    read += 1
        except CutoutError as error:
            reason = f"row group {number} of its file {error}"
            for at, name in named[read:]:
                yield Failure(name, self.path.name, "read", reason, at)

    def _cutout(self, name: str, row: int, data: memoryview | None) -> Cutout | Failure:
        try:
            if not data:
                raise CutoutError("there is no picture in its row")
            with BUDGET.reserve(data.nbytes):
                found = decode_picture(bytes(data))
        except CutoutError as error:
            return Failure(name, self.path.name, "read", str(error), row)
        return Cutout(
            name,
            found.pixels,
            found.bands,
            file=self.path.name,
            named=found.named,
            row=row,
            picture=True,
        )


def open_image_set(path: Path, column: str, options: ReadOptions) -> ParquetSource:
    """Open the image set of a Parquet file.

    Parameters
    ----------
    path : Path
    column : str
        See `image_column`.
    options : ReadOptions
        The catalog is not read here.

    Raises
    ------
    UsageError
        If the other columns cannot be read, or there are no rows.
    """
    try:
        schema = pq.read_schema(path)
        count = pq.read_metadata(path).num_rows
        table = pq.read_table(
            path, columns=[field.name for field in schema if not _holds_bytes(field.type)]
        )
        table.validate(full=True)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read: {str(error).strip().splitlines()[0]}") from error
    if count < 1:
        raise UsageError(f"{path}: holds no pictures: it has no rows")
    if table.num_columns and table.num_rows != count:
        raise UsageError(
            f"{path}: is damaged: it says that it has {count:,} rows and holds {table.num_rows:,}"
        )
    catalog = Catalog.from_table(_with_class_names(table).replace_schema_metadata(None), path)
    table = catalog.table
    if "id" not in table.column_names:
        ids = pa.array([f"{path.stem}[{row}]" for row in range(count)])
        table = table.add_column(0, "id", ids) if table.num_columns else pa.table({"id": ids})
    table = table.append_column("file", pa.array([path.name] * count))
    return ParquetSource(table, options, catalog.left_out_columns, path=path, column=column)


def _column_chunk(group: Any, column: str) -> tuple[Any, str]:
    """Return the chunk of the pictures in a row group, and its path where it is in a dictionary.

    A picture that stands in many rows is stored once then, and must not be copied to each.

    Raises
    ------
    CutoutError
        If the row group has no such column, or the name of one cannot be read.
    """
    chunks = [group.column(number) for number in range(group.num_columns)]
    paths = (column, f"{column}.bytes")
    try:
        chunk = next((each for each in chunks if each.path_in_schema in paths), None)
    except UnicodeDecodeError:
        raise CutoutError("is damaged: the name of a column is not text in UTF-8") from None
    if chunk is None:
        raise CutoutError(f"is damaged: it has no column {column!r}")
    return chunk, chunk.path_in_schema if chunk.has_dictionary_page else ""


def _pictures(
    path: Path, column: str, nested: str, group: int, part: range
) -> Iterator[memoryview | None]:
    """Yield the pictures of some rows of a row group, one after the other."""
    with pq.ParquetFile(path, read_dictionary=[nested] if nested else None) as file:
        start = 0
        for batch in file.iter_batches(
            _BATCH_ROWS, row_groups=[group], columns=[column], use_threads=False
        ):
            for row in range(max(start, part.start), min(start + batch.num_rows, part.stop)):
                yield _picture(batch.column(0)[row - start])
            start += batch.num_rows
            if start >= part.stop:
                return


def _picture(value: Any) -> memoryview | None:
    """Return the bytes of a picture, which may stand in a struct or a dictionary."""
    if not value.is_valid:
        return None
    if isinstance(value, pa.StructScalar):
        return _picture(value["bytes"])
    if isinstance(value, pa.DictionaryScalar):
        return _picture(value.value)
    return memoryview(value.as_buffer())


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _holds_bytes(field.type) for field in kind)
    if pa.types.is_dictionary(kind):
        return _holds_bytes(kind.value_type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _with_class_names(table: pa.Table) -> pa.Table:
    """Replace class numbers by names where the file's Hugging Face metadata has them."""
    for name, classes in _class_names(table.schema).items():
        if name in table.column_names and pa.types.is_integer(table.schema.field(name).type):
            values = [
                classes[v] if v is not None and 0 <= v < len(classes) else None
                for v in table.column(name).to_pylist()
            ]
            table = table.set_column(
                table.column_names.index(name), name, pa.array(values, pa.string())
            )
    return table


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    try:
        features: dict[str, Any] = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))[
            "info"
        ]["features"]
        return {
            name: [str(each) for each in feature["names"]]
            for name, feature in features.items()
            if "names" in feature
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
