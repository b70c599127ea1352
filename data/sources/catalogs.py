"""Catalogues: CSV, ECSV, FITS tables, VOTable and Parquet to one kind of table in memory.

In memory a catalogue is a `pyarrow.Table` whose column ``id`` is text, so that 19-digit numbers and
leading zeros survive. Types never depend on how a file is cut into pieces to be read: a CSV is read
as one piece.
"""

import csv
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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

__all__ = ["check_ids", "is_catalog", "is_text_column", "read_catalog", "tidy"]

_FITS = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz")
_ROWS_NAMED = 5
_NO_TEXT = "is no text in UTF-8 (perhaps in Latin-1 or UTF-16): save it as UTF-8"

# What pyarrow and astropy raise on damaged tables, found by damaging hundreds of each kind
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
    """Return whether a file is a catalogue by its name.

    A FITS file can be either, so it is not one by its name.
    """
    return path.suffix.lower() in _READERS and not path.name.lower().endswith(_FITS)


def is_text_column(name: str) -> bool:
    """Return whether a column is always read as text: ``id``, ``file`` and ``file_<band>``."""
    return name in ("id", "file") or name.startswith("file_")


def read_catalog(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """Read a catalogue.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS table, VOTable or Parquet, by its suffix.

    Returns
    -------
    pyarrow.Table
        One row a galaxy. ``id``, ``file`` and ``file_<band>`` are text, empty where nothing stands;
        other columns have their own types, and null where nothing stands.
    tuple of str
        Columns that are left out since they hold no single value a row.

    Raises
    ------
    UsageError
        If there is no such file, it cannot be read as a table, has no rows, or two columns of one
        name; or if its identifiers are missing or double.
    """
    name = path.name.lower()
    reader = _from_fits if name.endswith(_FITS) else _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(f"{path}: a catalogue is a CSV, ECSV, FITS, VOTable or Parquet file")
    if not path.is_file():
        raise UsageError(f"{path}: there is no such catalogue")
    try:
        table = reader(path)
    except _DAMAGED as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path}: cannot be read as a catalogue: {_said(error)}") from error
    double = [column for column, count in Counter(table.column_names).items() if count > 1]
    if double:
        raise UsageError(f"{path}: more than one column is named {', '.join(map(repr, double))}")
    if not table.num_rows:
        raise UsageError(f"{path}: the catalogue has no rows")
    table, left_out = tidy(table, path)
    return table, left_out


def _from_csv(path: Path) -> pa.Table:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    if any("\ufffd" in name for name in header):
        raise UsageError(f"{path}: {_NO_TEXT}")
    names = [name.strip() or f"column{number}" for number, name in enumerate(header, start=1)]
    text = {name: pa.string() for name in names if is_text_column(name)}
    table = pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(
            block_size=path.stat().st_size + 1, column_names=names, skip_rows_after_names=1
        ),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=text),
    )
    # what pyarrow makes of bytes that are no text
    if any(pa.types.is_binary(kind) for kind in table.schema.types):
        raise UsageError(f"{path}: {_NO_TEXT}")
    return table


def _from_parquet(path: Path) -> pa.Table:
    table = pyarrow.parquet.read_table(path)
    if b"galfeat" in (table.schema.metadata or {}):
        raise UsageError(
            f"{path}: is a feature table, not a catalogue of cutouts: they are measured already"
        )
    return _unmasked(table.replace_schema_metadata(None))


def _unmasked(table: pa.Table) -> pa.Table:
    """Empty the cells that astropy marks in a column of truth values, ``NAME.mask`` beside
    ``NAME``.
    """
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
                name,
                pc.if_else(pc.fill_null(hidden, False), empty, column),
            )
            table = table.drop_columns([mask])
    return table


def _from_fits(path: Path) -> pa.Table:
    # imported late, as below: half a second that CSV and Parquet need not wait for
    from astropy.io import fits
    from astropy.table import Table

    number = _table_number(path)
    try:
        with _quietly():
            table = Table.read(path, format="fits", hdu=number)
            table.convert_bytestring_to_unicode()
    # of astropy: one is no more than an Exception, the other is of damaged headers
    except (fits.VerifyError, AssertionError) as error:
        raise UsageError(f"{path}: cannot be read as a catalogue: {_first_line(error)}") from error
    return _arrow(table)


def _table_number(path: Path) -> int:
    try:
        with open_bytes(path) as source:
            hdus, damage = read_hdus(source)
    except CutoutError as error:
        raise UsageError(f"{path}: {error}") from error
    tables = [hdu.number for hdu in hdus if hdu.kind == "table"]
    if not tables:
        raise UsageError(f"{path}: {damage or 'holds no table'}")
    return tables[0]


def _from_ecsv(path: Path) -> pa.Table:
    from astropy.table import Table

    with _quietly():
        return _arrow(Table.read(path, format="ascii.ecsv"))


def _from_votable(path: Path) -> pa.Table:
    from astropy.io.votable import parse_single_table

    with _quietly():
        return _arrow(parse_single_table(path).to_table(use_names_over_ids=True))


@contextmanager
def _quietly() -> Iterator[None]:
    """Catalogues are read before any thread is started, so warnings can be switched off safely
    here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _arrow(table: Any) -> pa.Table:
    return pa.table({name: _column(table[name]) for name in table.colnames})


def _column(column: Any) -> pa.Array:
    """Turn an astropy column into an Arrow one.

    What holds no single value a row becomes a column of lists, to be left out later.
    """
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


def tidy(table: pa.Table, path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """Make identifiers and files text, and leave out columns that hold no single value a row.

    Return the table and these.

    Raises
    ------
    UsageError
        If identifiers are missing, double, or have lost digits.
    """
    columns: dict[str, pa.Array] = {}
    left_out = []
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_nested(column.type):
            left_out.append(name)
        elif is_text_column(name):
            columns[name] = _as_text(column, name, path)
        elif (
            pa.types.is_null(column.type)
            or pa.types.is_large_string(column.type)
            or pa.types.is_string_view(column.type)
        ):
            columns[name] = column.cast(pa.string())
        else:
            columns[name] = column
    if "id" in columns:
        check_ids(columns["id"].to_pylist(), path)
    return pa.table(columns), tuple(left_out)


def _as_text(column: pa.Array, name: str, path: Path) -> pa.Array:
    if pa.types.is_floating(column.type):
        raise UsageError(
            f"{path}: the column '{name}' holds numbers with a decimal point, which lose digits: "
            "make it text or whole numbers"
        )
    return pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")


def check_ids(ids: list[str], path: Path) -> None:
    """Refuse identifiers that are empty or stand more than once.

    Raises
    ------
    UsageError
        With the rows, counted from 1.
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(ids, start=1):
        rows.setdefault(name, []).append(row)
    if "" in rows:
        raise UsageError(
            f"{path}: no id stands in row {_listed(rows[''])} (the first row below the names is 1)"
        )
    double = [
        f"'{name}' in rows {_listed(where)}" for name, where in rows.items() if len(where) > 1
    ]
    if double:
        more = f"; and {len(double) - _ROWS_NAMED} more" if len(double) > _ROWS_NAMED else ""
        raise UsageError(
            f"{path}: identifiers stand more than once: {'; '.join(double[:_ROWS_NAMED])}{more} "
            "(the first row below the names is 1)"
        )


def _listed(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:_ROWS_NAMED])) + (", …" if len(rows) > _ROWS_NAMED else "")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _said(error: BaseException) -> str:
    """Return what a parser said, unless it stumbled over itself or quotes bytes that are no
    text.
    """
    line = _first_line(error)
    if "invalid UTF8" in line:
        return _NO_TEXT
    if (
        isinstance(error, (TypeError, AttributeError, KeyError, IndexError))
        or not line.isprintable()
        or "\ufffd" in line
    ):
        return "it is damaged, or another format than its suffix says"
    return line
