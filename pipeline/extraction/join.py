"""Concatenation of feature tables that were measured with the same settings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from galfeat import UsageError
from galfeat.features.registry import PHOTOMETRY
from galfeat.pipeline.extraction.feature_table import FeatureTable, load_features, read_metadata
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.settings_diff import differences

__all__ = ["join_features"]


def join_features(paths: Sequence[str | Path], inputs: Sequence[str] | None = None) -> FeatureTable:
    """Read several feature tables as one, in the given order.

    Parameters
    ----------
    paths : sequence of path
        Files written by `extract` with the same settings and the same version.
    inputs : sequence of str, optional
        The extractors to read; all by default. Settings of others may differ.

    Returns
    -------
    FeatureTable
        A catalog column that only some tables have is null in the rows of the others.

    Raises
    ------
    UsageError
        If there is no table, one cannot be read, two were measured with different settings, two
        have a galaxy of the same id, or a catalog column has incompatible types.
    """
    if not paths:
        raise UsageError("there are no feature tables to join")
    first = paths[0]
    for path in paths[1:]:
        found = differences(_settings(first, inputs), _settings(path, inputs))
        if found:
            raise UsageError(
                f"{first} and {path} were measured differently: {'; '.join(found)}; measure both "
                "with the same settings"
            )
    tables = [load_features(path, inputs) for path in paths]
    _check_unique_ids(paths, tables)
    try:
        catalog = pa.concat_tables([table.catalog for table in tables], promote_options="default")
    except pa.ArrowException as error:
        raise UsageError(
            f"the catalogs of {' and '.join(map(str, paths))} do not match: {error}"
        ) from error
    blocks = {
        name: _concatenate([table.blocks[name] for table in tables]) for name in tables[0].blocks
    }
    scalars = {
        name: pa.concat_tables([table.scalars[name] for table in tables])
        for name in tables[0].scalars
    }
    return FeatureTable(catalog, blocks, tables[0].recipe, tables[0].columns, scalars)


def _settings(path: str | Path, inputs: Sequence[str] | None) -> dict[str, object]:
    about = read_metadata(path)
    extractors = {
        name: value
        for name, value in about["extractors"].items()
        if inputs is None or name in inputs
    }
    found = {key: about.get(key) for key in ("version", "feature_version", "bands", "preparation")}
    if inputs is None:  # else errors and fluxes are not read
        found |= {key: about[key] for key in (PHOTOMETRY, "errors") if key in about}
    return found | {"extractors": extractors}


def _check_unique_ids(paths: Sequence[str | Path], tables: Sequence[FeatureTable]) -> None:
    homes: dict[str, str | Path] = {}
    for path, table in zip(paths, tables, strict=True):
        for name in table.ids.tolist():
            if name in homes:
                raise UsageError(
                    f"galaxy '{name}' is in {homes[name]} and in {path}; each may appear once"
                )
            homes[name] = path


def _concatenate(parts: Sequence[Block]) -> Block:
    if isinstance(parts[0], list):
        return [each for part in parts for each in part]
    return np.concatenate([np.asarray(part) for part in parts])
