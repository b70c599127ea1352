"""What catalog files state of their columns: units, and frames of coordinates.

Both are kept in the metadata of the fields of a `pyarrow.Table`, under ``unit`` and ``frame``,
until `galfeat.data.sources.catalogs.catalog.Catalog` takes them out.
"""

import io
from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa

__all__ = ["parquet_statements", "statements", "table_frame", "votable_frames", "with_statements"]

_KEYS = {"unit": ("unit", "units", "tunit"), "frame": ("frame",)}
# by the names of VOTable and FITS, old and new
_FRAMES = {
    "icrs": "icrs",
    "eq_fk5": "fk5",
    "fk5": "fk5",
    "eq_fk4": "fk4",
    "fk4": "fk4",
    "galactic": "galactic",
    "galactic_ii": "galactic",
    "gal": "galactic",
}
_FK5_FROM = 1984.0  # equinox; before that FK4, as in the FITS Standard


def statements(table: pa.Table, what: Literal["unit", "frame"]) -> dict[str, str]:
    """Return what a table states of its columns, by their names."""
    found: dict[str, str] = {}
    for field in table.schema:
        for key, value in (field.metadata or {}).items():
            if key.decode("utf-8", "replace").lower() in _KEYS[what]:
                found[field.name] = value.decode("utf-8", "replace")
    return found


def with_statements(
    table: pa.Table, units: Mapping[str, str], frames: Mapping[str, str]
) -> pa.Table:
    """Return a table with units and frames of its columns, in addition to those it has."""
    fields = []
    for field in table.schema:
        metadata = dict(field.metadata or {})
        for key, values in ((b"unit", units), (b"frame", frames)):
            if values.get(field.name):
                metadata[key] = values[field.name].encode()
        fields.append(field.with_metadata(metadata) if metadata else field)
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields, table.schema.metadata))


def table_frame(header: Mapping[str, Any]) -> str:
    """Return the frame that the header of a FITS table states by RADESYS and EQUINOX, if any."""
    system = str(header.get("RADESYS") or header.get("RADECSYS") or "").strip().lower()
    try:
        equinox = float(str(header.get("EQUINOX", "")).strip().lstrip("JBjb"))
    except ValueError:
        equinox = 0.0
    if not system and equinox:
        system = "fk5" if equinox >= _FK5_FROM else "fk4"
    return _frame(system, f"{'B' if system.startswith('fk4') else 'J'}{equinox}" if equinox else "")


def votable_frames(document: Any) -> dict[str, str]:
    """Return the frames of the fields of the first table of a VOTable, by COOSYS.

    A field names its system; if there is one only, it holds for all fields that name none.
    """
    systems = {
        each.ID: _frame((each.system or "").strip().lower(), each.equinox or "")
        for each in document.iter_coosys()
    }
    only = next(iter(systems.values())) if len(systems) == 1 else ""
    fields = document.get_first_table().fields
    found = {field.name: systems.get(field.ref or "", only) for field in fields}
    return {name: frame for name, frame in found.items() if frame}


def _frame(system: str, equinox: str) -> str:
    name = _FRAMES.get(system, system)
    if name not in ("fk4", "fk5") or not equinox.strip():
        return name
    year = equinox.strip().upper()
    return f"{name} {year if year[0] in 'JB' else ('B' if name == 'fk4' else 'J') + year}"


def parquet_statements(metadata: Mapping[bytes, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """Return units and frames of columns from the metadata of a Parquet file.

    As astropy writes them (and the Rubin pipelines with it), in YAML or in an embedded VOTable.

    Raises
    ------
    ValueError
        If they are damaged.
    """
    units: dict[str, str] = {}
    frames: dict[str, str] = {}
    if b"table_meta_yaml" in metadata:
        described = _parse_yaml(metadata[b"table_meta_yaml"])
        units = {
            each["name"]: str(each["unit"])
            for each in described.get("datatype", ())
            if each.get("unit")
        }
        frames = _serialized_frames(described.get("meta", {}).get("__serialized_columns__", {}))
    embedded = metadata.get(b"IVOA.VOTable-Parquet.content")
    if embedded is None:
        return units, frames
    from astropy.io.votable import parse

    document = parse(io.BytesIO(embedded))
    fields = document.get_first_table().fields
    units |= {field.name: str(field.unit) for field in fields if field.unit is not None}
    return units, frames | votable_frames(document)


def _parse_yaml(text: bytes) -> dict[str, Any]:
    from astropy.table import meta

    try:
        found: dict[str, Any] = meta.get_header_from_yaml(text.decode().split("\n"))
    except meta.YamlParseError as error:
        raise ValueError("the description of its columns (table_meta_yaml) is damaged") from error
    return found


def _serialized_frames(described: Mapping[str, Any]) -> dict[str, str]:
    """Return the frames of coordinates that astropy stored as ``NAME.ra`` and ``NAME.dec``."""
    found: dict[str, str] = {}
    for name, parts in described.items():
        if isinstance(parts, Mapping) and str(parts.get("__class__", "")).endswith("SkyCoord"):
            frame = _frame(str(parts.get("frame", "")), str(parts.get("equinox", "") or ""))
            found |= dict.fromkeys((f"{name}.{axis}" for axis in ("ra", "dec", "l", "b")), frame)
    return found
