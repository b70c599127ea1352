"""A model and cutouts to a table of classes and probabilities."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from galfeat.data import Cutout, Failure, Source, open_source
from galfeat.nn.saving.archive import pack
from galfeat.pipeline.atomic_files import check_target
from galfeat.pipeline.batch.manifest import Manifest
from galfeat.pipeline.batch.merge import Counts, as_csv, recompressed
from galfeat.pipeline.batch.retry import RUN
from galfeat.pipeline.batch.run import Ending, Options, Progress, Summary, run_batch, with_workers
from galfeat.pipeline.batch.task import Task
from galfeat.pipeline.extraction.feature_table import as_json
from galfeat.pipeline.extraction.measure import measure
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.upload import deliver, place_of
from galfeat.pipeline.models.model import Model

__all__ = ["ClassTask", "classify"]


@dataclass(frozen=True)
class ClassTask(Task):
    """Measuring cutouts and telling their classes.

    Parameters
    ----------
    model : Model
    """

    model: Model

    @cached_property
    def recipe(self) -> Recipe:
        """What the model needs to have measured."""
        return self.model.recipe.subset(self.model.input.columns)

    def about(self) -> dict[str, Any]:
        """Return the settings, the version of the features, and what tells the model from
        another.
        """
        settings = {
            name: value for name, value in self.recipe.settings().items() if name != "version"
        }
        learned = pack(
            {"encoder": self.model.encoder_.get_state(), "network": self.model.network_.get_state()}
        )
        return {"what": "classes", "model": hashlib.sha256(learned).hexdigest()[:16], **settings}

    def schema(self, source: Source) -> pa.Schema:  # noqa: ARG002 - the columns are the model's
        """Return ``id``, ``class``, and a probability for each class."""
        columns = [
            ("id", pa.string()),
            ("class", pa.string()),
            *((f"p_{name}", pa.float64()) for name in self.model.classes),
        ]
        return pa.schema([pa.field(name, kind) for name, kind in columns])

    def rows(self, source: Source, cutouts: Sequence[Cutout]) -> tuple[pa.Table, list[Failure]]:
        """Measure cutouts and tell their classes."""
        kept, blocks, failures = measure(cutouts, self.recipe, strict_bands=True)
        if not kept:
            return self.schema(source).empty_table(), failures
        probabilities = self.model.predict_proba(blocks)
        best = [self.model.classes[i] for i in probabilities.argmax(axis=1)]
        columns = [[cutout.id for cutout in kept], best, *probabilities.T]
        return pa.Table.from_arrays(
            [pa.array(column) for column in columns], schema=self.schema(source)
        ), failures

    @property
    def size(self) -> tuple[int, int]:
        """Bands and pixels a side of a prepared cutout."""
        return len(self.recipe.bands), self.recipe.preparation.size


def classify(
    model: Model | str | Path,
    source: Source | str | Path,
    out: str | Path,
    *,
    workers: int | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> Summary:
    """Classify every cutout of a source.

    The cutouts are prepared and measured as the training ones were. Bands are found by name, in
    whatever order they come; a cutout that lacks one fails with that reason.

    Parameters
    ----------
    model : Model or path
    source : Source or path
    out : path
        Ending in ``.parquet`` or ``.csv``: ``id``, ``class``, and one ``p_<class>`` a class. The
        failures go beside it. It can be an address, as in `extract`.
    workers : int, optional
        Number of threads; the result does not depend on it.
    options : Options, optional
        As in `extract`. Of a finished CSV file everything is measured again: it does not say how it
        was made.
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
    place = place_of(out)
    check_target(
        place, [source if isinstance(source, str | Path) else None, *inputs], [".parquet", ".csv"]
    )
    model = model if isinstance(model, Model) else Model.load(model)
    source = open_source(source) if isinstance(source, str | Path) else source
    ending = Ending(recompressed if place.suffix.lower() == ".parquet" else as_csv, _metadata)
    options = with_workers(options, workers)
    run = partial(
        run_batch, ClassTask(model), source, ending=ending, options=options, progress=progress
    )
    return deliver(out, run, again=options.retry_failed)


def _metadata(manifest: Manifest, counts: Counts) -> dict[bytes, bytes]:
    """Return what a table of classes says of itself."""
    return {RUN: as_json(manifest.said() | {"classified": counts.done, "failed": counts.failed})}
