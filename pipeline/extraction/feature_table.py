"""Feature table: one row per galaxy, one column per extractor, provenance in the metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import Extractor
from galfeat.features.registry import LOCAL_DESCRIPTORS, PHOTOMETRY, REGISTRY
from galfeat.features.scalars import ScalarTable
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.scalar_columns import (
    measures_scalars,
    reader_metadata,
    scalar_arrays,
)
from galfeat.pipeline.extraction.sky_columns import SKY

__all__ = [
    "KEY",
    "RUN_KEY",
    "FeatureTable",
    "as_json",
    "class_labels",
    "column_text",
    "load_features",
    "read_metadata",
    "table_schema",
    "to_arrow",
    "versions",
]

KEY = b"galfeat"
"""Metadata key of the provenance of a feature table."""
RUN_KEY = b"galfeat.run"
"""Metadata key of the record of the batch run that made a table."""
# names of feature columns that a catalog must not use
_RESERVED = frozenset(REGISTRY) | {PHOTOMETRY}


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of galaxies in memory, as `load_features` returns them.

    Parameters
    ----------
    catalog : pyarrow.Table
        ``id`` and the catalog's columns, n rows.
    blocks : dict of str to array or list
        One block per extractor: float32 of shape (n, k), or for ``sift`` a list of n arrays
        (keypoints, 128) of uint8. NaN is a quantity that could not be measured.
    recipe : Recipe
        Bands, preparation and extractors that the features were computed with.
    columns : dict of str to list of str
        Feature names of each block of vectors.
    scalars : dict of str to pyarrow.Table
        All named quantities of an extractor that measures such, ``shape``, of the ``sky``, and of
        ``photometry``, null where they could not be measured: also those that are no features, such
        as positions, fluxes, flags and errors. Sky and photometry are no blocks: they are no
        input of a classifier.
    """

    catalog: pa.Table
    blocks: dict[str, Block]
    recipe: Recipe
    columns: dict[str, list[str]]
    scalars: dict[str, pa.Table] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.catalog.num_rows)

    @property
    def ids(self) -> NDArray[np.str_]:
        """Id of each galaxy, shape (n,)."""
        return column_text(self.catalog, "id")

    @property
    def labels(self) -> NDArray[np.str_]:
        """Column ``label`` as text, shape (n,); ``""`` for unlabeled galaxies."""
        return column_text(self.catalog, "label")

    @property
    def X(self) -> NDArray[np.float32]:
        """All vectors concatenated, shape (n, features), in the order of `blocks`.

        NaN where a quantity could not be measured; impute it with what the training galaxies tell,
        as `train` does.
        """
        vectors = [block for block in self.blocks.values() if not isinstance(block, list)]
        if not self.blocks:
            raise UsageError(
                "there are no features: the table holds photometry, which is no input of a "
                "classifier; its columns are in 'scalars'"
            )
        if not vectors:
            raise UsageError(
                "local descriptors have no fixed length; encode "
                f"'{', '.join(sorted(LOCAL_DESCRIPTORS))}' with "
                "galfeat.features.BagOfWords"
            )
        return np.ascontiguousarray(np.hstack(vectors), dtype=np.float32)


def column_text(catalog: pa.Table, name: str) -> NDArray[np.str_]:
    """Return a catalog column as text, ``""`` where it is null or NaN.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    if name not in catalog.column_names:
        raise UsageError(
            f"the catalog has no column '{name}'; its columns are {', '.join(catalog.column_names)}"
        )
    values = catalog.column(name).to_pylist()
    return np.array(
        ["" if value is None or value != value else str(value) for value in values], dtype=np.str_
    )


def class_labels(catalog: pa.Table, name: str) -> NDArray[np.str_]:
    """Return a catalog column of class labels as stripped text.

    ``""`` where it is null, blank or "nan".

    Raises
    ------
    UsageError
        If there is no such column.
    """
    labels = np.array([text.strip() for text in column_text(catalog, name).tolist()], dtype=np.str_)
    return np.where(np.char.lower(labels) == "nan", "", labels)


def table_schema(catalog: pa.Table | None, recipe: Recipe) -> pa.Schema:
    """Return the schema of a feature table: ``id``, the catalog's columns, one per extractor.

    Raises
    ------
    UsageError
        If a column of the catalog has the name of an extractor's column.
    """
    plain = (
        []
        if catalog is None
        else [pa.field(each.name, each.type) for each in catalog.schema if each.name != "id"]
    )
    measured = [each for fields in recipe.scalar_fields.values() for each in fields]
    reserved = _RESERVED | set(recipe.extractors) | {each.name for each in measured}
    taken = sorted(reserved & {each.name for each in plain})
    if taken:
        raise UsageError(
            f"the catalog's column '{taken[0]}' has the name of a feature column; rename it"
        )
    columns = recipe.columns if recipe.bands else {}  # without a band nothing can be measured
    blocks = [
        _local_field(name)
        if name in LOCAL_DESCRIPTORS
        else pa.field(name, pa.list_(pa.float32(), len(columns[name])))
        for name, extractor in recipe.extractors.items()
        if recipe.bands and not measures_scalars(extractor)
    ]
    schema = pa.schema(
        [
            pa.field("id", pa.string()),
            *(plain or [pa.field("file", pa.string())] * (catalog is None)),
            *blocks,
            *(measured if recipe.bands else []),
        ]
    )
    return schema.with_metadata(reader_metadata(schema))


def _local_field(name: str) -> pa.Field:
    # one list a galaxy, not a list of lists, which some readers of Parquet cannot read
    length = REGISTRY[name].descriptor_length
    about = f"local descriptors of {length} values each, one after another"
    return pa.field(name, pa.list_(pa.uint8()), metadata={"description": about})


def to_arrow(
    catalog: pa.Table, blocks: Mapping[str, Block | ScalarTable], recipe: Recipe
) -> pa.Table:
    """Return rows of a feature table, with the schema of `table_schema`.

    Parameters
    ----------
    catalog : pyarrow.Table
        ``id`` and the catalog's columns, n rows.
    blocks : mapping of str to array, list or ScalarTable
        One block of n rows per extractor.
    recipe : Recipe
    """
    if not catalog.num_rows:
        return table_schema(catalog, recipe).empty_table()
    table, last = catalog, []
    scalar_fields = recipe.scalar_fields
    for name, block in blocks.items():
        if isinstance(block, ScalarTable):
            last += list(zip(scalar_fields[name], scalar_arrays(block), strict=True))
        elif isinstance(block, list):
            table = table.append_column(_local_field(name), _local(block))
        else:
            table = table.append_column(name, _vectors(block))
    for each, column in last:
        table = table.append_column(each, column)
    return table


def as_json(about: Mapping[str, Any]) -> bytes:
    """Encode a value of a table's metadata as JSON."""
    return json.dumps(about, sort_keys=True, allow_nan=False).encode()


def versions() -> dict[str, str]:
    """Return the versions of the packages that compute the features."""
    return {name: version(name) for name in ("galfeat", "numpy", "scipy", "numba", "pyarrow")}


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Read the provenance of a feature table from its metadata.

    Raises
    ------
    UsageError
        If the file cannot be read or is not a feature table.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
    except OSError as error:
        raise UsageError(
            f"cannot read the feature table {path}: {error.strerror or error}"
        ) from error
    except pa.ArrowInvalid as error:
        raise UsageError(f"{path} is no Parquet file, or it is damaged") from error
    if KEY not in metadata:
        raise UsageError(
            f"{path} is a Parquet file but not a feature table of galfeat; make one with 'galfeat "
            "extract'"
        )
    try:
        about = json.loads(metadata[KEY])
    except ValueError:
        about = None
    if not isinstance(about, dict) or not {
        "version",
        "bands",
        "preparation",
        "extractors",
        "columns",
    } <= set(about):
        raise UsageError(
            f"the feature table {path} is damaged: its metadata does not say how it was made"
        )
    return about


def load_features(
    path: str | Path,
    inputs: Sequence[str] | None = None,
    *,
    extractors: Sequence[Extractor] = (),
) -> FeatureTable:
    """Read a feature table, or some of its extractors' columns.

    Parameters
    ----------
    path : path
        A file written by `extract`.
    inputs : sequence of str, optional
        The extractors to read, or "photometry"; all by default. The columns of others are not read
        from disk.
    extractors : sequence of Extractor
        Those of other packages that are not installed.

    Returns
    -------
    FeatureTable
        With ``X``, ``ids`` and ``labels``.

    Raises
    ------
    UsageError
        If the file is not a feature table or lacks a requested extractor.
    """
    about = read_metadata(path)
    recipe = Recipe.from_settings(about, extractors)
    known = [*recipe.extractors, *([PHOTOMETRY] if recipe.photometry is not None else [])]
    wanted = known if inputs is None else list(inputs)
    missing = [name for name in wanted if name not in known]
    if missing:
        raise UsageError(f"{path} has no column '{missing[0]}'; it has {', '.join(known)}")
    there = pq.read_schema(path).names
    of_scalars = {column for columns in recipe.scalars.values() for column in columns}
    plain = [name for name in there if name not in recipe.extractors and name not in of_scalars]
    told = [*wanted, *([SKY] if SKY in recipe.scalars else [])]  # with any choice of features
    needed = [column for name in told for column in recipe.scalars.get(name, [name])]
    lost = [name for name in needed if name not in there]
    if lost:
        raise UsageError(f"the feature table {path} is damaged: its column '{lost[0]}' is missing")
    try:
        table = pq.read_table(path, columns=plain + needed)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"the feature table {path} is damaged: {error}") from error
    names: Mapping[str, list[str]] = about["columns"]
    scalars = {
        name: table.select(recipe.scalars[name]).replace_schema_metadata(None)
        for name in told
        if name in recipe.scalars
    }
    blocks: dict[str, Block] = {
        name: _scalar_block(scalars[name], name, names[name])
        if name in scalars
        else _from_arrow(table.column(name), name)
        for name in wanted
        if name in recipe.extractors
    }
    return FeatureTable(
        table.select(plain).replace_schema_metadata(None),
        blocks,
        recipe.subset(wanted),
        {name: names[name] for name in wanted if name in names},
        scalars,
    )


def _scalar_block(table: pa.Table, name: str, features: Sequence[str]) -> NDArray[np.float32]:
    """Return the quantities that are features as vectors, NaN where they are null."""
    columns = [
        np.asarray(table.column(f"{name}_{each}").to_numpy(), dtype=np.float32) for each in features
    ]
    return np.ascontiguousarray(np.stack(columns, axis=1))


def _vectors(block: NDArray[np.float32]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(
        pa.array(np.ascontiguousarray(block, dtype=np.float32).ravel()), block.shape[1]
    )


def _local(block: list[NDArray[np.uint8]]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum([each.size for each in block])]).astype(np.int32)
    flat = np.concatenate([np.empty(0, np.uint8), *(each.ravel() for each in block)])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat.astype(np.uint8)))


def _from_arrow(column: pa.ChunkedArray, name: str) -> Block:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # some versions of pyarrow keep chunks
        array = array.chunk(0) if array.num_chunks else pa.array([], type=column.type)
    if pa.types.is_fixed_size_list(array.type):
        return np.asarray(array.flatten()).reshape(len(array), array.type.list_size)
    length = REGISTRY[name].descriptor_length
    flat = np.asarray(array.flatten()).reshape(-1, length)
    ends = np.asarray(array.offsets) // length
    return [flat[start - ends[0] : end - ends[0]] for start, end in pairwise(ends)]
