"""Provenance and contents of feature tables and model files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from galfeat import UsageError
from galfeat.features.registry import LOCAL_DESCRIPTORS, REGISTRY
from galfeat.nn import MLPClassifier
from galfeat.pipeline.extraction.feature_table import read_metadata
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.ensemble import count_parameters
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.models.scores import ModelScores, scores_text

__all__ = ["describe", "description_text"]

# magic bytes at the start of a file: Parquet, zip archive
_PARQUET = b"PAR1"
_MODEL = b"PK\x03\x04"


def describe(path: str | Path) -> dict[str, Any]:
    """Return provenance and contents of a feature table or a model.

    Of a table only the metadata is read, whatever its size.

    Parameters
    ----------
    path : path
        A file of `extract` or of `train`.

    Returns
    -------
    dict
        JSON values. ``kind`` is "feature table" or "model"; ``settings`` are all that decide the
        features; ``fingerprint`` is a digest of them. A table also has ``rows``, its ``catalog``
        columns with their types, and ``columns``, the number of values of each extractor; a model
        its ``input``, ``classes``, ``class priors``, the ``layers`` of its networks, their number
        of ``parameters``, its ``training domain``, and its cross-validated ``scores`` with
        ``warnings``.

    Raises
    ------
    UsageError
        If the file cannot be read or is neither.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if start == _PARQUET:
        return _table(path)
    if start == _MODEL:
        return _model(path)
    raise UsageError(f"{path} is neither a feature table (.parquet) nor a model of galfeat")


def description_text(path: str | Path) -> str:
    """Return the result of `describe` as text for the terminal."""
    found = describe(path)
    lines = [f"{path}: {found['kind']} of galfeat {found['settings'].get('version')}"]
    lines += [
        f"  {name:<12} {_text(value)}"
        for name, value in found.items()
        if name not in ("kind", "settings", "catalog", "columns", "scores", "warnings")
    ]
    if found.get("scores"):
        text = scores_text(ModelScores.from_dict(found["scores"]))
        lines += [f"  {line}" for line in text]
        lines += [f"  warning: {sentence}" for sentence in found["warnings"]]
    for name in ("columns", "catalog"):
        if name in found:
            lines += [
                f"  {name}",
                *(f"    {key:<22} {_text(value)}" for key, value in found[name].items()),
            ]
    lines += [
        "  settings",
        *(f"    {key:<40} {_text(value)}" for key, value in _leaves("", found["settings"])),
    ]
    return "\n".join(lines)


def _table(path: Path) -> dict[str, Any]:
    about = dict(read_metadata(path))
    footer = pq.read_metadata(path)
    schema = footer.schema.to_arrow_schema()
    columns, fingerprint = about.pop("columns"), about.pop("fingerprint", None)
    counts: dict[str, Any] = {
        name: about.pop(name) for name in ("counts", "versions") if name in about
    }
    try:
        scalars = Recipe.from_settings(about).scalars
    except UsageError:  # of another version, or with an extractor that is not installed
        scalars = {}
    measured = {name for names in scalars.values() for name in names}
    return {
        "kind": "feature table",
        "fingerprint": fingerprint,
        "rows": footer.num_rows,
        **counts,
        "columns": {
            each.name: _width(each.name, each.type, len(columns.get(each.name, ())))
            for each in schema
            if each.name in about["extractors"]
        }
        | {
            name: f"{len(names):,} columns"
            + (f", {len(columns[name]):,} of them features" if name in columns else "")
            for name, names in scalars.items()
        },
        "catalog": {
            field.name: str(field.type)
            for field in schema
            if field.name not in about["extractors"] and field.name not in measured
        },
        "settings": about,
    }


def _width(name: str, kind: pa.DataType, names: int) -> str:
    if pa.types.is_fixed_size_list(kind):
        return f"{kind.list_size:,} values of float32" + (
            "" if names == kind.list_size else f", {names:,} of them with names"
        )
    length = REGISTRY[name].descriptor_length if name in LOCAL_DESCRIPTORS else 0
    return f"any number of {length} values of uint8" if length else str(kind)


def _model(path: Path) -> dict[str, Any]:
    model = Model.load(path)
    members = model.ensemble_.members
    return {
        "kind": "model",
        "fingerprint": model.recipe.fingerprint,
        "recipe": model.recipe.name,
        "input": model.input.name,
        "classes": model.classes,
        "class priors": model.priors_,
        "networks": len(members),
        "layers": [_layers(each.network) for each in members],
        "temperature": model.ensemble_.temperature,
        "parameters": sum(count_parameters(each.network) for each in members),
        "training domain": None if model.domain_ is None else model.domain_.about,
        "scores": None if model.scores is None else model.scores.as_dict(),
        "warnings": [] if model.scores is None else list(model.scores.warnings),
        "settings": model.recipe.settings(),
    }


def _layers(network: MLPClassifier) -> list[int]:
    return [int(weights.shape[0]) for weights in network.coefs_] + [
        int(network.coefs_[-1].shape[1])
    ]


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), each)
    else:
        yield path, value


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, bool) or value is None:
        return {None: "not set", True: "yes", False: "no"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)
