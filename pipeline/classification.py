"""A model and cutouts to a table of classes and probabilities."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from galfeat.data import Failure, Source, open_source
from galfeat.pipeline.atomic import check_target, replacing
from galfeat.pipeline.extraction import Progress, Summary, commonest_reason, failures_path, measured_shards, write_failures
from galfeat.pipeline.measuring import Block
from galfeat.pipeline.model import Model

__all__ = ["classify"]


def classify(
    model: Model | str | Path,
    source: Source | str | Path,
    out: str | Path,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> Summary:
    """Classify every cutout of a source.

    The cutouts are prepared and measured as the training ones were. Bands are found by name, in whatever order they come; a cutout
    that lacks one fails with that reason.

    Parameters
    ----------
    model : Model or path
    source : Source or path
    out : path
        Ending in ``.parquet`` or ``.csv``: ``id``, ``class``, and one ``p_<class>`` a class. The failures go beside it.
    workers : int, optional
        Number of threads; the result does not depend on it.
    progress : callable, optional
        As in `extract`.
    inputs : sequence of path or None
        Files that the output may not replace, beside `source`.

    Returns
    -------
    Summary

    Raises
    ------
    UsageError
        If the model, the source or the output cannot be used.
    """
    out = Path(out)
    check_target(out, [source if isinstance(source, str | Path) else None, *inputs], [".parquet", ".csv"])
    model = model if isinstance(model, Model) else Model.load(model)
    source = open_source(source) if isinstance(source, str | Path) else source
    failures: list[Failure] = []
    tables = list(_predictions(model, source, workers, progress, failures))
    write_failures(failures_path(out), failures)
    if tables:
        write = pq.write_table if out.suffix.lower() == ".parquet" else pyarrow.csv.write_csv
        with replacing(out) as part:
            write(pa.concat_tables(tables), part)
    done = sum(table.num_rows for table in tables)
    return Summary(out, done, len(failures), failures_path(out), commonest_reason(failures))


def _predictions(
    model: Model, source: Source, workers: int | None, progress: Progress | None, failures: list[Failure]
) -> Iterator[pa.Table]:
    recipe = model.recipe.subset(model.input.columns)
    shards = measured_shards(source, recipe, workers, strict_bands=True)
    for shard, measured in zip(source.shards(), shards, strict=True):
        failures += measured.failures
        if measured.blocks:
            yield _table(model, measured.catalog.column("id"), measured.blocks)
        if progress:
            progress(shard.stop, len(source), len(failures))


def _table(model: Model, ids: pa.ChunkedArray, blocks: dict[str, Block]) -> pa.Table:
    probabilities = model.predict_proba(blocks)
    names = model.classes
    best = [names[i] for i in probabilities.argmax(axis=1)]
    columns = {f"p_{name}": pa.array(probabilities[:, i]) for i, name in enumerate(names)}
    return pa.table({"id": ids, "class": pa.array(best, type=pa.string()), **columns})
