"""Named scalar columns of a feature table: shape and other measurements with units.

An extractor that measures named quantities has a column for each, ``shape_detection_gini`` for the
quantity ``detection_gini`` of ``shape``: null where it could not be measured, with flags beside it.
Unit, UCD and description are in the metadata of the column, and, for readers that look elsewhere,
in that of the table: `reader_metadata`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.features.scalars import MaskedColumn, Scalar, ScalarTable

__all__ = [
    "ERROR",
    "feature_names",
    "measures_scalars",
    "reader_metadata",
    "scalar_arrays",
    "scalar_fields",
    "scalar_vectors",
]

ERROR = "_err"
"""What the name of the column of a quantity's errors ends with."""
_CODES = "meta.code"  # how the UCDs of flags begin: whole numbers
_VOTABLE_TYPES = (
    (pa.types.is_boolean, "boolean", ""),
    (pa.types.is_int8, "short", ""),
    (pa.types.is_int16, "short", ""),
    (pa.types.is_int32, "int", ""),
    (pa.types.is_uint8, "unsignedByte", ""),
    (pa.types.is_uint16, "int", ""),
    (pa.types.is_integer, "long", ""),
    (pa.types.is_float32, "float", ""),
    (pa.types.is_floating, "double", ""),
)


def measures_scalars(extractor: Any) -> bool:
    """Return whether an extractor measures named quantities, with a column for each."""
    return hasattr(extractor, "measure_scalars")


def feature_names(extractor: Any, bands: Sequence[str]) -> list[str]:
    """Return the quantities that are part of the feature vector, in its order."""
    return [each.name for each in extractor.scalars(bands) if each.feature]


def scalar_fields(name: str, scalars: Sequence[Scalar], *, errors: bool = False) -> list[pa.Field]:
    """Return the fields of an extractor's columns, with units, UCDs and descriptions.

    Parameters
    ----------
    name : str
        Of the extractor, which its columns begin with.
    scalars : sequence of Scalar
    errors : bool
        Whether a column of errors stands behind each quantity that has one.
    """
    fields = []
    for each in scalars:
        fields.append(_field(name, each))
        if errors and each.error:
            fields.append(_field(name, _error_of(each)))
    return fields


def _error_of(each: Scalar) -> Scalar:
    """Return the column of the errors of a quantity."""
    about = f"standard deviation of {each.name}"
    return Scalar(f"{each.name}{ERROR}", each.unit, f"stat.error;{each.ucd}", about, False, False)


def _field(name: str, each: Scalar) -> pa.Field:
    words = ("extractor", name), ("unit", each.unit), ("ucd", each.ucd)
    return pa.field(
        f"{name}_{each.name}",
        pa.int32() if _is_code(each) else pa.float32(),
        metadata={
            key: value for key, value in (*words, ("description", each.description)) if value
        },
    )


def scalar_arrays(table: ScalarTable) -> list[pa.Array]:
    """Return measured quantities as columns, null where they are masked, with their errors."""
    arrays = []
    for place, each in enumerate(table.scalars):
        arrays.append(_array(table.values[:, place], np.int32 if _is_code(each) else np.float32))
        if table.errors is not None and each.error:
            arrays.append(_array(table.errors[:, place], np.float32))
    return arrays


def _array(column: MaskedColumn, kind: type[np.number[Any]]) -> pa.Array:
    with np.errstate(over="ignore"):  # beyond the range of float32 is not measured
        values = column.data.astype(kind)
    return pa.array(values, mask=np.ma.getmaskarray(column) | ~np.isfinite(values))


def scalar_vectors(table: ScalarTable) -> NDArray[np.float32]:
    """Return the quantities that are features, shape (n, k), NaN where they are masked."""
    chosen = [place for place, each in enumerate(table.scalars) if each.feature]
    filled = np.ma.filled(table.values[:, chosen].astype(np.float64), np.nan)
    with np.errstate(over="ignore"):
        vectors = filled.astype(np.float32)
    vectors[~np.isfinite(vectors)] = np.nan
    return vectors


def reader_metadata(schema: pa.Schema) -> dict[bytes, bytes]:
    """Return units and descriptions of columns as other readers of Parquet look for them.

    astropy's `Table.read` takes ``table_meta_yaml``; TOPCAT and STIL, and astropy's format
    "parquet.votable", take a VOTable without rows, by the VOParquet convention.
    """
    return {
        b"table_meta_yaml": _yaml(schema).encode(),
        b"IVOA.VOTable-Parquet.version": b"1.0",
        b"IVOA.VOTable-Parquet.content": _votable(schema).encode(),
    }


def _is_code(each: Scalar) -> bool:
    return each.ucd.startswith(_CODES)


def _words(field: pa.Field) -> Mapping[str, str]:
    found = field.metadata or {}
    return {
        name: found[name.encode()].decode()
        for name in ("unit", "ucd", "description")
        if name.encode() in found
    }


def _yaml(schema: pa.Schema) -> str:
    """Return astropy's header of a table; JSON is YAML."""
    columns = []
    for field in schema:
        words = _words(field)
        column: dict[str, Any] = {"name": field.name, "datatype": str(field.type)}
        column |= {name: words[name] for name in ("unit", "description") if name in words}
        if "ucd" in words:
            column["meta"] = {"ucd": words["ucd"]}
        columns.append(column)
    return json.dumps({"datatype": columns})


def _votable(schema: pa.Schema) -> str:
    fields = "".join(_votable_field(field) for field in schema)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE>\n<TABLE name="features">\n{fields}</TABLE>\n</RESOURCE>\n</VOTABLE>\n'
    )


def _votable_field(field: pa.Field) -> str:
    words, (kind, size) = _words(field), _votable_type(field.type)
    attributes = {"name": field.name, "datatype": kind, "arraysize": size}
    attributes |= {name: words[name] for name in ("unit", "ucd") if name in words}
    text = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items() if value)
    if "description" not in words:
        return f"<FIELD {text}/>\n"
    about = words["description"].replace("&", "&amp;").replace("<", "&lt;")
    return f"<FIELD {text}><DESCRIPTION>{about}</DESCRIPTION></FIELD>\n"


def _votable_type(kind: pa.DataType) -> tuple[str, str]:
    """Return datatype and arraysize of a column in VOTable."""
    if pa.types.is_fixed_size_list(kind):
        return _votable_type(kind.value_type)[0], str(kind.list_size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _votable_type(kind.value_type)[0], "*"
    for matches, name, size in _VOTABLE_TYPES:
        if matches(kind):
            return name, size
    return "char", "*"
