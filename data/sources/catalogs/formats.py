"""Readers of catalog files: CSV, ECSV, FITS tables, VOTable and Parquet to `pyarrow.Table`.

Types never depend on how a file is cut into blocks to be read: a CSV is read as one block.
"""

import csv
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from galfeat import CutoutError, UsageError
from galfeat.data.fits.headers import read_hdus
from galfeat.data.fits.streams import open_bytes
from galfeat.data.memory import BUDGET
from galfeat.data.sources.catalogs.column_statements import (
    parquet_statements,
    table_frame,
    votable_frames,
    with_statements,
)

__all__ = ["is_catalog", "is_text_column", "read_table"]

_FITS = tuple(
    f".{kind}{packed}" for kind in ("fits", "fit", "fts") for packed in ("", ".gz", ".bz2")
)
_NO_TEXT = "is not text in UTF-8 (perhaps in Latin-1 or UTF-16): save it as UTF-8"
_MOST_PACKED = 100  # times that a large table may be larger than its file

# Exceptions of pyarrow and astropy on damaged tables, found by damaging hundreds of each kind
# (astropy's VOTable errors are SyntaxErrors).
_DAMAGED = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    pa.ArrowException,
)


def is_catalog(path: Path) -> bool:
    """Return whether a file is a catalog by its name, which that of a FITS file does not tell."""
    return path.suffix.lower() in _READERS and not path.name.lower().endswith(_FITS)


def is_text_column(name: str) -> bool:
    """Return whether a column is always read as text: ``id``, ``file`` and ``file_<band>``."""
    return name in ("id", "file") or name.startswith("file_")


def read_table(path: Path) -> pa.Table:
    """Read the table of a catalog file, with all its columns.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS table, VOTable or Parquet, by its suffix.

    Raises
    ------
    UsageError
        If there is no such file, it cannot be read as a table, has no rows, or has two columns of
        one name.
    """
    name = path.name.lower()
    reader = _from_fits if name.endswith(_FITS) else _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: a catalog is a CSV, ECSV, FITS, VOTable or Parquet file")
    if not path.is_file():
        raise UsageError(f"{path}: there is no such catalog")
    try:
        table = reader(path)
        table.validate(full=True)  # text that is none, above all
    except _DAMAGED as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path}: cannot be read as a catalog: {_explain(error)}") from error
    double = [column for column, count in Counter(table.column_names).items() if count > 1]
    if double:
        raise UsageError(f"{path}: more than one column is named {', '.join(map(repr, double))}")
    if not table.num_rows:
        raise UsageError(f"{path}: the catalog has no rows")
    return table


def _from_csv(path: Path) -> pa.Table:
    header, comments, below = _csv_header(path)
    if any("\ufffd" in name for name in header):
        raise UsageError(f"{path}: {_NO_TEXT}")
    names = [name.strip() or f"column{number}" for number, name in enumerate(header, start=1)]
    text = {name: pa.string() for name in names if is_text_column(name)}
    table = pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(
            block_size=path.stat().st_size + 1,
            column_names=names,
            skip_rows=comments,
            skip_rows_after_names=below,
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=text),
    )
    # pyarrow reads bytes that are not UTF-8 as binary
    if any(pa.types.is_binary(kind) for kind in table.schema.types):
        raise UsageError(f"{path}: {_NO_TEXT}")
    return table


def _csv_header(path: Path) -> tuple[list[str], int, int]:
    """Return the names of a CSV's columns, the number of comments before its rows, and of headers.

    Lines before them that begin with ``#`` are comments; the last of them has the names if it names
    a file, an identifier or a position, and no line without ``#`` does.
    """
    comment, comments = "", 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for line in file:
            if not line.startswith("#"):
                break
            comment, comments = line, comments + 1
        else:
            line = ""
        names = next(csv.reader(chain([line], file)), [])
    commented = next(csv.reader([comment.lstrip("#").strip()]), [])
    if _names_columns(commented) and not _names_columns(names) and len(commented) == len(names):
        return commented, comments, 0
    return names, comments, 1


def _names_columns(names: list[str]) -> bool:
    known = {"id", "file", "ra", "dec", "x", "y", "label"}
    return any(name.strip().lower() in known or name.strip().startswith("file_") for name in names)


def _from_parquet(path: Path) -> pa.Table:
    metadata = pyarrow.parquet.read_metadata(path)
    groups = (metadata.row_group(group) for group in range(metadata.num_row_groups))
    claimed = sum(group.total_byte_size for group in groups)
    if claimed > max(BUDGET.limit, _MOST_PACKED * path.stat().st_size):
        raise UsageError(
            f"{path}: unpacks to {claimed:,} bytes, and {BUDGET.limit:,} bytes of memory may be "
            "used: allow more (--memory)"
        )
    table = pyarrow.parquet.read_table(path)
    if b"galfeat" in (table.schema.metadata or {}):
        raise UsageError(
            f"{path}: is a feature table, not a catalog of cutouts: they are measured already"
        )
    units, frames = parquet_statements(table.schema.metadata or {})
    return with_statements(_unmasked(table.replace_schema_metadata(None)), units, frames)


def _unmasked(table: pa.Table) -> pa.Table:
    """Empty the cells that astropy masks in a boolean column ``NAME.mask`` beside ``NAME``."""
    for mask in [
        name
        for name in table.column_names
        if name.endswith(".mask") and name.removesuffix(".mask") in table.column_names
    ]:
        name, hidden = mask.removesuffix(".mask"), table.column(mask)
        if pa.types.is_boolean(hidden.type):
            column = table.column(name)
            empty = pa.scalar(None, type=column.type)
            table = table.set_column(
                table.column_names.index(name),
                table.field(name),
                pc.if_else(pc.fill_null(hidden, False), empty, column),
            )
            table = table.drop_columns([mask])
    return table


def _from_fits(path: Path) -> pa.Table:
    # imported late, as below: it takes half a second, which CSV and Parquet need not wait for
    from astropy.io import fits
    from astropy.table import Table

    number = _table_number(path)
    try:
        with _without_warnings():
            table = Table.read(path, format="fits", hdu=number)
            _decode_text(table)
            frame = table_frame(fits.getheader(path, number))
    # of astropy: the first derives from Exception only, the second is of damaged headers
    except (fits.VerifyError, AssertionError) as error:
        raise UsageError(f"{path}: cannot be read as a catalog: {_first_line(error)}") from error
    return _arrow(table, frame)


def _decode_text(table: Any) -> None:
    """Make text of the bytes of a FITS table, which may hold coordinates of astropy, too."""
    plain = [name for name in table.colnames if hasattr(table[name], "dtype")]
    decoded = table[plain]
    decoded.convert_bytestring_to_unicode()
    for name in plain:
        table.replace_column(name, decoded[name])


def _table_number(path: Path) -> int:
    try:
        with open_bytes(path) as source:
            hdus, damage = read_hdus(source)
    except CutoutError as error:
        raise UsageError(f"{path}: {error}") from error
    tables = [hdu.number for hdu in hdus if hdu.kind == "table"]
    if damage or not tables:  # astropy may read for ever behind the damage
        raise UsageError(f"{path}: {damage or 'holds no table'}")
    return tables[0]


def _from_ecsv(path: Path) -> pa.Table:
    from astropy.table import Table

    with _without_warnings():
        return _arrow(Table.read(path, format="ascii.ecsv"))


def _from_votable(path: Path) -> pa.Table:
    from astropy.io.votable import parse

    with _without_warnings():
        document = parse(path, table_number=0)
        table = document.get_first_table().to_table(use_names_over_ids=True)
        return with_statements(_arrow(table), {}, votable_frames(document))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Switch off warnings: safe here, since catalogs are read before any thread is started."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _arrow(table: Any, frame: str = "") -> pa.Table:
    """Convert an astropy table; `frame` is that of coordinates that state no frame of their own."""
    columns: dict[str, pa.Array] = {}
    units: dict[str, str] = {}
    frames: dict[str, str] = {}
    for name in table.colnames:
        column = table[name]
        if hasattr(column, "transform_to") and column.shape == (len(table),):
            parts = _coordinates(name, column)
            columns |= parts
            units |= dict.fromkeys(parts, "deg")
            frames |= dict.fromkeys(parts, "icrs")
            continue
        columns[name] = _column(column)
        unit = getattr(column, "unit", None)
        if unit is not None and str(unit):
            units[name] = str(unit)
        if frame:
            frames[name] = frame
    return with_statements(pa.table(columns), units, frames)


def _coordinates(name: str, coordinates: Any) -> dict[str, pa.Array]:
    """Return a column of coordinates as two columns of degrees (ICRS), if it can be converted."""
    try:
        icrs = coordinates.icrs
    except (ValueError, TypeError, AttributeError):  # ConvertError: frames of an observer
        return {name: pa.array([[]] * len(coordinates), type=pa.list_(pa.null()))}
    return {
        f"{name}.{axis}": pa.array(np.ma.filled(np.ma.asarray(np.asarray(angle.deg)), np.nan))
        for axis, angle in (("ra", icrs.ra), ("dec", icrs.dec))
    }


def _column(column: Any) -> pa.Array:
    """Convert an astropy column; one without a single value a row becomes a column of lists."""
    values = np.asarray(getattr(column, "value", column))
    mask = np.asarray(getattr(column, "mask", np.zeros(values.shape, dtype=bool)))
    if values.ndim != 1 or values.dtype.kind not in "biufSUO":
        return pa.array([[]] * len(column), type=pa.list_(pa.null()))
    if values.dtype.kind in "SUO":
        return pa.array(
            [
                _text(value, hidden)
                for value, hidden in zip(
                    values.tolist(), np.broadcast_to(mask, values.shape), strict=True
                )
            ]
        )
    return pa.array(
        values.astype(values.dtype.newbyteorder("=")), mask=np.broadcast_to(mask, values.shape)
    )


def _text(value: object, hidden: bool) -> str | None:
    if hidden or value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": _from_csv,
    ".parquet": _from_parquet,
    ".pq": _from_parquet,
    ".ecsv": _from_ecsv,
    **dict.fromkeys((".vot", ".votable", ".xml"), _from_votable),
}


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _explain(error: BaseException) -> str:
    """Return a parser's message, unless it is an error within the parser or quotes binary data."""
    line = _first_line(error)
    if isinstance(error, MemoryError):
        return f"there is too little memory ({line})"
    if "invalid UTF8" in line:
        return _NO_TEXT
    if (
        isinstance(error, (TypeError, AttributeError, KeyError, IndexError))
        or not line.isprintable()
        or "\ufffd" in line
    ):
        return "it is damaged, or another format than its suffix says"
    return line
