"""Export of feature tables to FITS with vector columns, or to flat CSV.

Tables are converted in batches of rows, so they may be larger than memory.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from galfeat import UsageError
from galfeat._atomic_files import atomic_path
from galfeat.features.registry import LOCAL_DESCRIPTORS, PIXELS, REGISTRY
from galfeat.pipeline.csv_cells import safe_table
from galfeat.pipeline.extraction.feature_table import read_metadata
from galfeat.pipeline.extraction.fits_table import FitsColumn, fits_columns, write_table
from galfeat.pipeline.outputs import check_target

__all__ = ["export"]

_BATCH_VALUES = 1 << 23  # values in memory at a time


def export(table: str | Path, out: str | Path) -> Path:
    """Write a feature table as FITS or CSV.

    FITS has one vector column per extractor (TOPCAT shows its elements; ``pixels`` has its shape in
    ``TDIM``), and the local descriptors as a variable-length column. A second extension,
    ``FEATURE_NAMES``, names each element of each vector; the header of the first one holds the
    settings. CSV has one column per feature, named ``<extractor>__<feature>``, and only the number
    of local descriptors.

    Parameters
    ----------
    table : path
        A file written by `extract`.
    out : path
        Ending in ``.fits`` or ``.csv``; an existing file is replaced.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    UsageError
        If the table cannot be read, the suffix is not supported, or the file cannot be written.
    """
    out = Path(out)
    check_target(out, [table], [".fits", ".csv"])
    about = read_metadata(table)
    rows = _TableBatches(Path(table))
    with atomic_path(out) as temporary:
        (_write_fits if out.suffix.lower() == ".fits" else _write_csv)(rows, about, temporary)
    return out


class _TableBatches:
    """Rows of a feature table in batches; may be iterated repeatedly."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.schema = pq.read_schema(path).remove_metadata()
        widths = [
            field.type.list_size if pa.types.is_fixed_size_list(field.type) else 128
            for field in self.schema
        ]
        self.count = max(1, _BATCH_VALUES // sum(widths))

    def __call__(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(self.path) as file:
                yield from file.iter_batches(
                    self.count, columns=None if columns is None else list(columns)
                )
        except (OSError, pa.ArrowInvalid) as error:
            raise UsageError(f"the feature table {self.path} is damaged: {error}") from error


def _write_csv(rows: _TableBatches, about: Mapping[str, Any], path: Path) -> None:
    nothing = _flat(rows.schema.empty_table(), about["columns"])
    with pyarrow.csv.CSVWriter(path, nothing.schema) as writer:
        for batch in rows():
            writer.write(_flat(pa.Table.from_batches([batch]), about["columns"]))


def _flat(batch: pa.Table, names: Mapping[str, Sequence[str]]) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name in batch.column_names:
        column = batch.column(name).combine_chunks()
        if pa.types.is_fixed_size_list(column.type):
            block = np.asarray(column.flatten()).reshape(len(column), column.type.list_size)
            columns |= {
                f"{name}__{feature}": pa.array(values)
                for feature, values in zip(names[name], np.ascontiguousarray(block.T), strict=True)
            }
        elif name in LOCAL_DESCRIPTORS:
            length = REGISTRY[name].descriptor_length
            columns[f"{name}_keypoints"] = pc.divide(column.value_lengths(), length)
        else:
            columns[name] = column
    return safe_table(pa.table(columns))


def _write_fits(rows: _TableBatches, about: Mapping[str, Any], path: Path) -> None:
    from astropy.io import fits  # slow to import, and only this function needs it

    fields, count, heap = fits_columns(rows.schema, rows, {PIXELS.name: _image_shape(about)})
    header = fits.BinTableHDU.from_columns(
        [_column(fits, field) for field in fields], nrows=0
    ).header
    header.update({"NAXIS2": count, "PCOUNT": heap, "EXTNAME": "FEATURES"})
    for place, each in enumerate(fields, start=1):  # as TOPCAT reads and writes them
        if each.ucd:
            header[f"TUCD{place}"] = each.ucd
        if each.description:
            header[f"TCOMM{place}"] = each.description
    header["GFVERS"] = (about["version"], "version of galfeat that measured")
    header["GFPRINT"] = (about.get("fingerprint", ""), "fingerprint of the settings")
    header["GFSET"] = json.dumps(
        {key: value for key, value in about.items() if key != "columns"}, sort_keys=True
    )
    names = [
        (name, number, each)
        for name, column in about["columns"].items()
        if name in rows.schema.names  # named quantities are columns of their own
        for number, each in enumerate(column, start=1)
    ]
    with path.open("wb") as stream:
        stream.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        write_table(stream, header, fields, rows)
    fits.append(path, *_names_table(fits, names))


def _image_shape(about: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape (bands, ny, nx) of column ``pixels``; empty if it is not a full image."""
    settings = about["extractors"].get(PIXELS.name, {})
    side = settings.get("size") or about["preparation"]["size"] // (settings.get("downsample") or 1)
    shape = (len(about["bands"]), side, side)
    return shape if len(about["columns"].get(PIXELS.name, ())) == np.prod(shape) else ()


def _column(fits: Any, field: FitsColumn) -> Any:
    extra: dict[str, Any] = {"unit": field.unit} if field.unit else {}
    if field.shape:
        extra["dim"] = "(" + ",".join(str(each) for each in reversed(field.shape)) + ")"
    if field.kind == "K":
        extra["null"] = -(2**63)
    return fits.Column(_ascii(field.name), field.format, **extra)


def _ascii(name: str) -> str:
    """Return a column name in ASCII, as FITS requires."""
    return (
        name
        if name.isascii() and name.isprintable()
        else name.encode("ascii", "backslashreplace").decode().replace("\\", "_")
    )


def _names_table(fits: Any, names: Sequence[tuple[str, int, str]]) -> tuple[Any, Any]:
    encoded = [
        (column.encode(), number, name.encode("ascii", "backslashreplace"))
        for column, number, name in names
    ]
    kinds = [
        ("COLUMN", "S16"),
        ("ELEMENT", "i4"),
        ("NAME", f"S{max((len(each[2]) for each in encoded), default=1)}"),
    ]
    rows = np.array(encoded, dtype=kinds)
    table = fits.BinTableHDU(rows, name="FEATURE_NAMES")
    return table.data, table.header
