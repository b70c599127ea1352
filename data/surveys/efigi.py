"""EFIGI: nearby galaxies with visual attributes, and five classes derived from them."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from galfeat import UsageError
from galfeat.data.sources.catalogs.catalog import Catalog, check_ids
from galfeat.data.sources.files import FileSource
from galfeat.data.sources.open import open_source
from galfeat.data.surveys.classes import join_table, open_pictures, set_text_column

__all__ = ["efigi", "efigi_labels"]

_ID_COLUMNS = ("id", "pgc_name", "pgcname", "pgc")
_ATTRIBUTES = ("T", "Arm_Strength", "Perturbation", "Hot_Spots", "Multiplicity")
_TABLES = ("catalog.csv", "EFIGI_attributes.txt")
_PICTURE_FOLDERS = ("images", "png")


def efigi_labels(
    table: pa.Table, agn: Collection[str] = (), arp: Collection[str] = ()
) -> list[str]:
    """Derive five classes from EFIGI's attributes.

    The first rule that matches applies: ``agn`` if the galaxy is listed as one; ``merger`` if
    Perturbation >= 0.75, or Multiplicity >= 0.5, or it is in Arp's atlas; ``clump`` if Hot_Spots >=
    0.5; ``spiral`` if Arm_Strength >= 0.5 and 0 <= T <= 9; ``q_sf``, here always a quiescent
    galaxy, if T <= -1. Other galaxies have no class. An attribute that is missing, or -1 for
    "cannot be seen", matches no rule.

    Parameters
    ----------
    table : pyarrow.Table
        With the columns ``id``, ``T``, ``Arm_Strength``, ``Perturbation``, ``Hot_Spots`` and
        ``Multiplicity``. An optional column ``arp`` has the number in Arp's atlas.
    agn : collection of str
        Names of the active galaxies, which EFIGI's attributes do not identify. ``PGC0000218``,
        ``PGC 218`` and ``218`` are one name.
    arp : collection of str
        Names of further galaxies of Arp's atlas.

    Returns
    -------
    list of str
        One class a row; "" for none.

    Notes
    -----
    The five classes are this package's own, not EFIGI's: they overlap in nature (a merger may have
    an active nucleus), and the order of the rules decides.

    Examples
    --------
    >>> import pyarrow as pa
    >>> galaxies = {"id": ["PGC0000001", "PGC0000002"], "T": [4.0, -5.0]}
    >>> galaxies |= {"Arm_Strength": [0.75, 0.0], "Perturbation": [0.25, 0.0]}
    >>> galaxies |= {"Hot_Spots": [0.0, 0.0], "Multiplicity": [0.0, 0.0]}
    >>> efigi_labels(pa.table(galaxies))
    ['spiral', 'q_sf']
    """
    active, peculiar = (
        {_normalize_pgc_name(name) for name in agn},
        {_normalize_pgc_name(name) for name in arp},
    )
    columns = [_float_column(table, name) for name in _ATTRIBUTES]
    numbers = (
        _float_column(table, "arp")
        if "arp" in table.column_names
        else [float("nan")] * table.num_rows
    )
    labels = []
    for name, number, (hubble, arms, perturbed, spots, several) in zip(
        map(_normalize_pgc_name, table.column("id").to_pylist()),
        numbers,
        zip(*columns, strict=True),
        strict=True,
    ):
        if name in active:
            labels.append("agn")
        elif perturbed >= 0.75 or several >= 0.5 or number > 0 or name in peculiar:
            labels.append("merger")
        elif spots >= 0.5:
            labels.append("clump")
        elif arms >= 0.5 and 0 <= hubble <= 9:
            labels.append("spiral")
        else:
            labels.append("q_sf" if hubble <= -1 else "")
    return labels


def efigi(folder: str | Path, *, agn: Iterable[str] = (), arp: Iterable[str] = ()) -> FileSource:
    """Open EFIGI as five classes.

    Parameters
    ----------
    folder : str or Path
        With ``EFIGI_attributes.txt`` (columns separated by blanks, comments after #, a header line)
        and the pictures in ``png`` or ``images``, named by their galaxies, as in
        ``PGC0000212.png``; or with a ``catalog.csv`` that has the columns ``id``, ``file`` and the
        attributes.
    agn, arp : iterable of str
        See `efigi_labels`.

    Returns
    -------
    FileSource
        Its catalog has all columns of the table, ``label``, and ``state``: quiescent for ``q_sf``,
        otherwise empty.

    Raises
    ------
    UsageError
        If files or columns are missing, or galaxies are listed as active and none of them is in the
        data set.

    Notes
    -----
    Published at https://www.astromatic.net/projects/efigi/ (an address cited by others, not
    opened); the tables are also catalog J/A+A/532/A74 at the CDS. Column names are those used by
    programs that read version 1.6; the original file was not available.

    References
    ----------
    Baillard, A., et al. 2011, A&A 532, A74, https://doi.org/10.1051/0004-6361/201016423

    Examples
    --------
    >>> from galfeat.data.surveys import efigi
    >>> source = efigi("efigi/", agn=["PGC0000218"])  # doctest: +SKIP
    """
    place = Path(folder).expanduser().absolute()
    path = next((place / name for name in _TABLES if (place / name).is_file()), None)
    if path is None:
        raise UsageError(f"{folder}: holds no table of EFIGI: neither {' nor '.join(_TABLES)}")
    source = _open_catalog(place, path) if path.suffix == ".csv" else _open_attributes(place, path)
    active, peculiar = set(agn), set(arp)
    labels = efigi_labels(source.catalog, active, peculiar)
    if active and "agn" not in labels:
        raise UsageError(
            f"{path}: none of the {len(active)} galaxies listed as active is in it; names are "
            "like PGC0000212"
        )
    catalog = set_text_column(source.catalog, "label", labels)
    return replace(
        source,
        catalog=set_text_column(
            catalog, "state", ["quiescent" if label == "q_sf" else "" for label in labels]
        ),
    )


def _open_catalog(folder: Path, path: Path) -> FileSource:
    _check_columns(Catalog.read(path).table, path)
    source = open_source(folder, catalog=path)
    if not isinstance(source, FileSource):
        raise UsageError(f"{path}: is not a catalog of pictures")
    return source


def _open_attributes(folder: Path, path: Path) -> FileSource:
    table = _read_attributes(path)
    place = next((folder / name for name in _PICTURE_FOLDERS if (folder / name).is_dir()), None)
    if place is None:
        raise UsageError(
            f"{folder}: holds no folder of pictures: neither {' nor '.join(_PICTURE_FOLDERS)}"
        )
    return join_table(open_pictures(place), table, table.column("id").to_pylist(), path)


def _read_attributes(path: Path) -> pa.Table:
    """Read a blank-separated table; its first line that is not a comment names the columns."""
    lines = [
        line.split() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    rows = [line for line in lines if line and not line[0].startswith("#")]
    names = rows[0] if rows else []
    if not names or names[0].lower() not in _ID_COLUMNS:
        raise UsageError(
            f"{path}: its first line that is not a comment must name the columns, and begin with "
            "PGC_name"
        )
    wrong = next(
        (number for number, row in enumerate(rows[1:], start=1) if len(row) != len(names)), None
    )
    if wrong is not None or len(rows) < 2:
        found = (
            f"row {wrong} has {len(rows[wrong])} values for"
            if wrong
            else "holds no galaxies below its"
        )
        raise UsageError(f"{path}: {found} {len(names)} columns")
    columns = dict(zip(names[1:], list(zip(*rows[1:], strict=True))[1:], strict=True))
    ids = [row[0] for row in rows[1:]]
    check_ids(ids, path)
    try:
        numbers = {
            name: pa.array([float(value) for value in values]) for name, values in columns.items()
        }
    except ValueError as error:
        raise UsageError(f"{path}: {error} is found where a number is expected") from None
    table = pa.table({"id": ids, **numbers})
    _check_columns(table, path)
    return table


def _check_columns(table: pa.Table, path: Path) -> None:
    missing = [name for name in _ATTRIBUTES if not _find_column(table, name)]
    if missing:
        raise UsageError(
            f"{path}: has no column {', '.join(missing)}; its columns are "
            f"{', '.join(table.column_names)}"
        )


def _find_column(table: pa.Table, name: str) -> str:
    """Return a column's name as the table spells it, case-insensitively; "" where there is none."""
    return next((each for each in table.column_names if each.lower() == name.lower()), "")


def _float_column(table: pa.Table, name: str) -> list[float]:
    """Return a column as floats, NaN where a value is missing."""
    column = _find_column(table, name)
    if not column:
        raise UsageError(
            f"the table has no column '{name}'; its columns are {', '.join(table.column_names)}"
        )
    values = table.column(column).to_pylist()
    try:
        return [float("nan") if value is None or value == "" else float(value) for value in values]
    except ValueError as error:
        raise UsageError(f"the column '{name}' must hold numbers: {error}") from None


def _normalize_pgc_name(name: str) -> str:
    """Return the canonical spelling of a name in the Principal Galaxy Catalog.

    Other names are returned unchanged.
    """
    digits = name.strip().upper().removeprefix("PGC").strip()
    return f"PGC{int(digits):07d}" if digits.isdecimal() else name.strip()
