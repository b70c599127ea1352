"""The columns of a catalogue that say where galaxies are: files, bands, extensions and names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from galfeat import UsageError
from galfeat.data.fits.ancillary_names import is_ancillary
from galfeat.data.sources.catalogs import check_ids
from galfeat.data.sources.folders import names_of

__all__ = ["chosen_columns", "completed", "file_columns", "goes_with", "numbered"]

# file_<these> are about the file
_NO_BANDS = ("name", "path", "url", "type", "format", "date", "size")


def numbered(path: Path, count: int) -> pa.Table:
    """Return the catalogue of a file of many galaxies.

    Named after it, and numbered from 0 where it holds several.
    """
    name = names_of([path.name])[0]
    names = [name] if count == 1 else [f"{name}[{number}]" for number in range(count)]
    return pa.table({"id": names, "file": [path.name] * count})


def completed(table: pa.Table, columns: Mapping[str, str], path: Path) -> pa.Table:
    """Give a catalogue whole numbers in ``hdu`` and an ``id``, the file's name, where it has
    none.
    """
    if "hdu" in table.column_names:
        numbers = [
            _number(value, row, path)
            for row, value in enumerate(table.column("hdu").to_pylist(), start=1)
        ]
        table = table.set_column(
            table.column_names.index("hdu"), "hdu", pa.array(numbers, type=pa.int32())
        )
    if "id" not in table.column_names:
        files = zip(*(table.column(column).to_pylist() for column in columns.values()), strict=True)
        ids = names_of([next(filter(None, row), "") for row in files])
        if "hdu" in table.column_names:
            ids = [
                name if hdu is None else f"{name}[{hdu}]"
                for name, hdu in zip(ids, table.column("hdu").to_pylist(), strict=True)
            ]
        check_ids(ids, path)
        table = table.add_column(0, "id", pa.array(ids))
    return table


def _number(value: object, row: int, path: Path) -> int | None:
    """Return the number of an extension, or None where a cell is empty."""
    text = "" if value is None or value != value else str(value).strip()
    if not text:
        return None
    whole = text.removesuffix(".0")  # a column with an empty cell may come as floats
    if not whole.lstrip("-").isdecimal() or len(whole) > 9:
        raise UsageError(
            f"{path}: the column 'hdu' must hold whole numbers, 0 for the first; '{text}' stands "
            f"in row {row}"
        )
    return int(whole)


def file_columns(table: pa.Table, path: Path) -> dict[str, str]:
    """Return the column of files for each band; for the band ``""`` where one column has them all.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    names = table.column_names
    if "file" in names:
        return {"": "file"}
    columns = {
        name[5:]: name
        for name in names
        if name.startswith("file_") and name[5:] and not is_ancillary(name)
    }
    columns = {band: name for band, name in columns.items() if band.lower() not in _NO_BANDS}
    if not columns:
        needed = (
            f"{path}: needs a column 'file', or 'file_<band>' for each band; its columns are "
            f"{', '.join(names)}"
        )
        raise UsageError(needed + _hint(names))
    return columns


def _hint(names: Sequence[str]) -> str:
    """Return what may be wrong with names of columns among which there is no file."""
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return ": separate them by commas"
    other = next(
        (name for name in names if name != name.lower() and name.lower().split("_")[0] == "file"),
        "",
    )
    return f": write '{other}' in small letters" if other else ""


def chosen_columns(columns: dict[str, str], wanted: tuple[str, ...], path: Path) -> dict[str, str]:
    """Choose the columns of the bands that are asked for: the other files need not be there."""
    if "" in columns or not wanted:
        return columns
    missing = [band for band in wanted if band not in columns]
    if missing:
        raise UsageError(
            f"{path}: no column 'file_{missing[0]}' for the band {missing[0]}; its bands are "
            f"{', '.join(columns)}"
        )
    return {band: columns[band] for band in wanted}


def goes_with(band: str, columns: Mapping[str, str]) -> bool:
    """Return whether what is for a band, in small letters, goes with one of these columns."""
    return not band or "" in columns or band in [name.lower() for name in columns]
