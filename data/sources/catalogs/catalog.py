"""A catalog of galaxies: identifiers, image files of each band, sidecar files and positions.

In memory a catalog is a `pyarrow.Table`. Its columns ``id``, ``file`` and ``file_<band>`` are text,
so that 19-digit numbers and leading zeros survive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from galfeat import UsageError
from galfeat.data.fits.ancillary.names import is_ancillary, parse_ancillary_name
from galfeat.data.sources.catalogs.column_statements import statements
from galfeat.data.sources.catalogs.formats import is_text_column, read_table
from galfeat.data.sources.catalogs.positions import Positions, find_positions
from galfeat.data.sources.folders import is_fits, is_picture, names_of
from galfeat.data.sources.sidecars.match import SidecarFiles, sort_sidecars

__all__ = ["Catalog", "check_ids"]

# file_<these> describe the file: they are not bands
_NOT_BANDS = (
    *("name", "path", "loc", "location", "url", "uri", "root", "dir", "folder", "id", "ext"),
    *("exists", "type", "format", "date", "size", "hash", "checksum"),
)
# columns that hold files in other programs' catalogs, such as zoobot's file_loc
_LIKE_FILE = ("file_loc", "file_path", "file_name", "filename", "filepath", "path", "fits_file")
# what people write in a column of files where there is no file
_NO_FILE = ["none", "n/a", "na", "-", "nan", "null", "0"]
_LISTED_ROWS = 5


@dataclass(frozen=True, eq=False)
class Catalog:
    """A catalog of galaxies, one a row.

    Parameters
    ----------
    table : pyarrow.Table
        ``id``, ``file`` and ``file_<band>`` are text, empty where a cell is; other columns have
        their own types, and null in empty cells.
    path : Path
        File of the catalog, for messages.
    left_out_columns : tuple of str
        Columns of the file that are left out because they hold no single value a row.
    units, frames : mapping of str to str
        Units of columns, and frames of coordinates, where the file states them.
    """

    table: pa.Table = field(repr=False)
    path: Path
    left_out_columns: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict, repr=False)
    frames: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: Path) -> "Catalog":
        """Read a catalog: CSV, ECSV, FITS table, VOTable or Parquet, by its suffix.

        Raises
        ------
        UsageError
            If there is no such file, it cannot be read as a table, has no rows, or has two columns
            of one name; or if identifiers are missing or not unique.
        """
        return cls.from_table(read_table(path), path)

    @classmethod
    def from_table(cls, table: pa.Table, path: Path) -> "Catalog":
        """Make identifiers and files text, and leave out columns without a single value a row.

        Raises
        ------
        UsageError
            If identifiers are missing or not unique, or have lost digits.
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
                text = _as_text(column, name, path)
                columns[name] = text if name == "id" else _with_slashes(text)
            else:
                columns[name] = _plain_strings(column)
        if "id" in columns:
            try:
                check_ids(columns["id"].to_pylist(), path)
            except UsageError as error:
                raise UsageError(f"{error}{_long_form_hint(table.column_names)}") from None
        units, frames = (statements(table, what) for what in ("unit", "frame"))
        return cls(pa.table(columns), path, tuple(left_out), units, frames)

    @classmethod
    def of_files(cls, folder: Path, files: Sequence[str]) -> "Catalog":
        """Return the catalog of a folder that has none: a row a file, named after it."""
        names = list(files)
        return cls(pa.table({"id": names_of(names), "file": names}), folder)

    @classmethod
    def of_file(cls, path: Path, count: int) -> "Catalog":
        """Return the catalog of a file without one: named after it, numbered if it has several."""
        name = names_of([path.name])[0]
        ids = [name] if count == 1 else [f"{name}[{number}]" for number in range(count)]
        return cls(pa.table({"id": ids, "file": [path.name] * count}), path)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def selects_hdus(self) -> bool:
        """Whether a column ``hdu`` selects one image of a file in each row."""
        return "hdu" in self.table.column_names

    @property
    def positions(self) -> Positions:
        """Positions on the sky or in pixels.

        Raises
        ------
        UsageError
            If there are no columns of positions, or no usable position in any row.
        """
        return find_positions(self.table, self.path, self.units, self.frames)

    @cached_property
    def band_columns(self) -> dict[str, str]:
        """Columns ``file_<band>`` by band, but for those of sidecar files."""
        return {
            name[5:]: name
            for name in self.table.column_names
            if name.startswith("file_") and name[5:] and not is_ancillary(name)
        }

    @cached_property
    def file_columns(self) -> dict[str, str]:
        """Column of image files by band; ``{"": "file"}`` where a file holds all bands.

        Raises
        ------
        UsageError
            If there is no such column.
        """
        names = self.table.column_names
        if "file" in names:
            return {"": "file"}
        columns = {
            band: name for band, name in self.band_columns.items() if band.lower() not in _NOT_BANDS
        }
        if not columns:
            raise UsageError(
                f"{self.path}: needs a column 'file', or 'file_<band>' for each band; its columns "
                f"are {', '.join(names)}{self._hint()}{_nested_hint(self.left_out_columns)}"
            )
        return columns

    def _hint(self) -> str:
        """Return how to make a file column of the columns that there are."""
        table = self.table
        if hint := _name_hint(table.column_names):
            return hint
        found = next((name for name in table.column_names if _names_files(table[name])), "")
        return f": '{found}' seems to name files, so call it 'file'" if found else ""

    def select_files(self, bands: Sequence[str]) -> dict[str, str]:
        """Return the file columns of some bands, or all if no band is selected.

        Raises
        ------
        UsageError
            If a band has no column.
        """
        columns = self.file_columns
        if "" in columns or not bands:
            return columns
        missing = [band for band in bands if band not in columns]
        if missing:
            raise UsageError(
                f"{self.path}: no column 'file_{missing[0]}' for the band {missing[0]}; its bands "
                f"are {', '.join(columns)}"
            )
        return {band: columns[band] for band in bands}

    def sidecars(self, columns: Mapping[str, str]) -> tuple[SidecarFiles, ...]:
        """Return the columns that name sidecar files of the selected image files.

        They are named by what the files hold, with ``file_`` before it and a band on either side,
        or without: ``mask``, ``ivar_g``, ``file_sigma``, ``r_dq``. They hold names of FITS files or
        pictures, so that a column ``sigma`` of velocities is none. Where one cell is such a name,
        the others must be too, or say that there is no file ("none", "N/A", "-", "nan", "null",
        "0").

        Parameters
        ----------
        columns : mapping of str to str
            Columns of image files by band, as `select_files` returns them.
        """
        bands = {"", *(band.lower() for band in columns)}
        found: list[SidecarFiles] = []
        for name in self.table.column_names:
            parsed = parse_ancillary_name(name.removeprefix("file_"))
            if parsed is not None and ("" in columns or parsed.rest in bands):
                files = self.table.column(name)
                if _names_files(files):
                    found.append(SidecarFiles(parsed.role, parsed.rest, _without_no_file(files)))
        return sort_sidecars(found)

    def with_ids(self) -> "Catalog":
        """Return the catalog with integers in ``hdu`` and, where it has no ``id``, file names.

        Raises
        ------
        UsageError
            If there is no column of files, a cell of ``hdu`` is no whole number, or names of files
            are missing or not unique.
        """
        file_columns = self.file_columns
        table = self.table
        if self.selects_hdus:
            cells = enumerate(table.column("hdu").to_pylist(), start=1)
            numbers = [_hdu_number(cell, row, self.path) for row, cell in cells]
            hdus = pa.array(numbers, type=pa.int32())
            table = table.set_column(table.column_names.index("hdu"), "hdu", hdus)
        if "id" not in table.column_names:
            columns = (table.column(name).to_pylist() for name in file_columns.values())
            files = zip(*columns, strict=True)
            ids = names_of([next(filter(None, row), "") for row in files])
            if self.selects_hdus:
                ids = [
                    name if hdu is None else f"{name}[{hdu}]"
                    for name, hdu in zip(ids, table.column("hdu").to_pylist(), strict=True)
                ]
            check_ids(ids, self.path)
            table = table.add_column(0, "id", pa.array(ids))
        return replace(self, table=table)

    def for_file(self, path: Path, count: int) -> "Catalog":
        """Assign the rows to the galaxies of one file: in their order, or by the column ``hdu``.

        Parameters
        ----------
        path : Path
        count : int
            Number of galaxies in it.

        Raises
        ------
        UsageError
            If the rows are not as many as the galaxies, and no column ``hdu`` selects among them.
        """
        if not self.selects_hdus and len(self) != count:
            raise UsageError(
                f"{self.path}: has {len(self)} rows for the {count} galaxies of {path.name}; a "
                "column 'hdu' can choose among them"
            )
        table = self.table
        files = pa.array([path.name] * len(self))
        if "file" in table.column_names:
            table = table.set_column(table.column_names.index("file"), "file", files)
        else:
            table = table.append_column("file", files)
        if not self.selects_hdus and "id" not in table.column_names:
            stem = names_of([path.name])[0]
            ids = pa.array([f"{stem}[{number}]" for number in range(count)])
            table = table.add_column(0, "id", ids)
        return replace(self, table=table).with_ids()


def check_ids(ids: list[str], path: Path) -> None:
    """Refuse identifiers that are empty or not unique.

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
            f"{path}: there is no id in row {_list_rows(rows[''])} (the first row below the names "
            "is 1)"
        )
    double = [
        f"'{name}' in rows {_list_rows(where)}" for name, where in rows.items() if len(where) > 1
    ]
    if double:
        more = f"; and {len(double) - _LISTED_ROWS} more" if len(double) > _LISTED_ROWS else ""
        raise UsageError(
            f"{path}: identifiers appear more than once: {'; '.join(double[:_LISTED_ROWS])}{more} "
            "(the first row below the names is 1)"
        )


def _long_form_hint(names: Sequence[str]) -> str:
    """Return how to write a catalog of a row a band, which is not read."""
    if not {"band", "filter"} & {name.lower() for name in names}:
        return ""
    return "; a galaxy is one row, with a column of files for each band: file_g, file_r, …"


def _list_rows(rows: list[int]) -> str:
    return ", ".join(map(str, rows[:_LISTED_ROWS])) + (", …" if len(rows) > _LISTED_ROWS else "")


def _as_text(column: pa.Array, name: str, path: Path) -> pa.Array:
    if pa.types.is_floating(column.type):
        raise UsageError(
            f"{path}: the column '{name}' holds numbers with a decimal point, which loses digits: "
            "make it text or whole numbers"
        )
    return pc.fill_null(pc.utf8_trim_whitespace(column.cast(pa.string())), "")


def _plain_strings(column: pa.Array) -> pa.Array:
    """Return a column with Arrow's other types of text, and columns of nulls, as plain strings."""
    other_text = (
        pa.types.is_null(column.type)
        or pa.types.is_large_string(column.type)
        or pa.types.is_string_view(column.type)
    )
    return column.cast(pa.string()) if other_text else column


def _hdu_number(value: object, row: int, path: Path) -> int | None:
    """Return the number of an HDU, or None where a cell is empty."""
    text = "" if value is None or value != value else str(value).strip()
    if not text:
        return None
    whole = text.removesuffix(".0")  # a column with an empty cell may be read as floats
    if not whole.lstrip("-").isdecimal() or len(whole) > 9:
        raise UsageError(
            f"{path}: the column 'hdu' must hold whole numbers, 0 for the first; row {row} "
            f"holds '{text}'"
        )
    return int(whole)


def _with_slashes(files: pa.Array) -> pa.Array:
    """Return paths with the slashes of Windows as those of all other systems."""
    return pc.replace_substring(files, "\\", "/")


def _nested_hint(columns: Sequence[str]) -> str:
    """Return what to do about columns of lists and structs, which may be images."""
    if not columns:
        return ""
    return (
        f"; its lists or structs in {', '.join(map(repr, columns))} are not read as images: save "
        "them as FITS files, or as the dataset 'images' of an HDF5 file"
    )


def _name_hint(names: Sequence[str]) -> str:
    """Return what may be wrong with column names among which there is no file column."""
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return ": separate them by commas"
    like = next((name for name in names if name.lower() in _LIKE_FILE), "")
    if like:
        return f": if '{like}' holds the files, call it 'file'"
    other = next(
        (name for name in names if name != name.lower() and name.lower().split("_")[0] == "file"),
        "",
    )
    return f": write '{other}' in lower case" if other else ""


def _names_files(column: pa.ChunkedArray) -> bool:
    """Return whether a column holds the name of a FITS file or picture in any row."""
    if not pa.types.is_string(column.type):
        return False
    values = [value.strip() for value in column.unique().to_pylist() if value]
    return any(is_fits(value) or is_picture(value) for value in values)


def _without_no_file(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of files with empty cells in place of "none", "N/A" and the like.

    Any other text that does not name a file fails when it is opened.
    """
    trimmed = _with_slashes(pc.utf8_trim_whitespace(column))
    return pc.if_else(pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(_NO_FILE)), "", trimmed)
