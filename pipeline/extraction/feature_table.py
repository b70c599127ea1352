"""Feature table: one row per galaxy, one column per extractor, provenance in the metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features.registry import LOCAL_DESCRIPTORS, REGISTRY
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe

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
# names of feature columns that a catalog must not use, present and planned
_RESERVED = frozenset(REGISTRY) | {"shape", "photometry"}


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of galaxies in memory, as `load_features` returns them.

    Parameters
    ----------
    catalog : pyarrow.Table
        ``id`` and the catalog's columns, n rows.
    blocks : dict of str to array or list
        One block per extractor: float32 of shape (n, k), or for ``sift`` a list of n arrays
        (keypoints, 128) of uint8.
    recipe : Recipe
        Bands, preparation and extractors that the features were computed with.
    columns : dict of str to list of str
        Feature names of each block of vectors.
    """

    catalog: pa.Table
    blocks: dict[str, Block]
    recipe: Recipe
    columns: dict[str, list[str]]

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
        """All vectors concatenated, shape (n, features), in the order of `blocks`."""
        vectors = [block for block in self.blocks.values() if not isinstance(block, list)]
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
        else [pa.field(field.name, field.type) for field in catalog.schema if field.name != "id"]
    )
    taken = sorted(_RESERVED & {field.name for field in plain})
    if taken:
        raise UsageError(
            f"the catalog's column '{taken[0]}' has the name of a feature column; rename it"
        )
    columns = recipe.columns if recipe.bands else {}  # without a band nothing can be measured
    kinds = {
        name: pa.list_(pa.list_(pa.uint8(), REGISTRY[name].descriptor_length))
        if name in LOCAL_DESCRIPTORS
        else pa.list_(pa.float32(), len(columns[name]))
        for name in recipe.extractors
        if recipe.bands
    }
    blocks = [pa.field(name, kind) for name, kind in kinds.items()]
    return pa.schema(
        [
            pa.field("id", pa.string()),
            *(plain or [pa.field("file", pa.string())] * (catalog is None)),
            *blocks,
        ]
    )


def to_arrow(catalog: pa.Table, blocks: Mapping[str, Block], recipe: Recipe) -> pa.Table:
    """Return rows of a feature table, with the schema of `table_schema`.

    Parameters
    ----------
    catalog : pyarrow.Table
        ``id`` and the catalog's columns, n rows.
    blocks : mapping of str to array or list
        One block of n rows per extractor.
    recipe : Recipe
    """
    if not catalog.num_rows:
        return table_schema(catalog, recipe).empty_table()
    table = catalog
    for name, block in blocks.items():
        table = table.append_column(
            name,
            _local(block, REGISTRY[name].descriptor_length)
            if isinstance(block, list)
            else _vectors(block),
        )
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


def load_features(path: str | Path, inputs: Sequence[str] | None = None) -> FeatureTable:
    """Read a feature table, or some of its extractors' columns.

    Parameters
    ----------
    path : path
        A file written by `extract`.
    inputs : sequence of str, optional
        The extractors to read; all by default. The columns of others are not read from disk.

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
    recipe = Recipe.from_settings(about)
    wanted = list(recipe.extractors) if inputs is None else list(inputs)
    missing = [name for name in wanted if name not in recipe.extractors]
    if missing:
        raise UsageError(
            f"{path} has no column '{missing[0]}'; it has {', '.join(recipe.extractors)}"
        )
    there = pq.read_schema(path).names
    plain = [name for name in there if name not in recipe.extractors]
    lost = [name for name in wanted if name not in there]
    if lost:
        raise UsageError(f"the feature table {path} is damaged: its column '{lost[0]}' is missing")
    try:
        table = pq.read_table(path, columns=plain + wanted)
    except (OSError, pa.ArrowInvalid) as error:
        raise UsageError(f"the feature table {path} is damaged: {error}") from error
    blocks: dict[str, Block] = {name: _from_arrow(table.column(name), name) for name in wanted}
    names: Mapping[str, list[str]] = about["columns"]
    return FeatureTable(
        table.select(plain).replace_schema_metadata(None),
        blocks,
        recipe.subset(wanted),
        {name: names[name] for name in wanted if name in names},
    )


def _vectors(block: NDArray[np.float32]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(
        pa.array(np.ascontiguousarray(block, dtype=np.float32).ravel()), block.shape[1]
    )


def _local(block: list[NDArray[np.uint8]], length: int) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in block])]).astype(np.int32)
    flat = np.concatenate([np.empty((0, length), np.uint8), *block]).astype(np.uint8)
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), length)
    )


def _from_arrow(column: pa.ChunkedArray, name: str) -> Block:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # some versions of pyarrow keep chunks
        array = array.chunk(0) if array.num_chunks else pa.array([], type=column.type)
    if pa.types.is_fixed_size_list(array.type):
        return np.asarray(array.flatten()).reshape(len(array), array.type.list_size)
    flat = np.asarray(array.flatten().flatten()).reshape(-1, REGISTRY[name].descriptor_length)
    ends = np.asarray(array.offsets)
    return [flat[start - ends[0] : end - ends[0]] for start, end in pairwise(ends)]
