"""Batch extraction: a folder of cutouts to one Parquet feature table and one list of failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from galfeat.data import Cutout, Failure, Preparation, Source, open_source
from galfeat.pipeline.atomic_files import check_target
from galfeat.pipeline.batch.manifest import Manifest
from galfeat.pipeline.batch.merge import Counts, write_failures
from galfeat.pipeline.batch.retry import RUN
from galfeat.pipeline.batch.run import (
    Ending,
    Options,
    Progress,
    Summary,
    failures_path,
    run_batch,
    with_workers,
)
from galfeat.pipeline.batch.task import Task
from galfeat.pipeline.extraction.feature_names import FEATURES
from galfeat.pipeline.extraction.feature_table import KEY, as_json, table_schema, to_arrow, versions
from galfeat.pipeline.extraction.measure import Measured, catalog_rows, measure
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.upload import deliver, place_of

__all__ = [
    "FEATURES",
    "FeatureTask",
    "Options",
    "Progress",
    "Summary",
    "extract",
    "failures_path",
    "write_failures",
]


@dataclass(frozen=True)
class FeatureTask(Task):
    """Measuring cutouts.

    Parameters
    ----------
    recipe : Recipe
    """

    recipe: Recipe

    def about(self) -> dict[str, Any]:
        """Return the settings and the version of the features."""
        settings = self.recipe.settings()
        return {
            "what": "features",
            **{name: value for name, value in settings.items() if name != "version"},
        }

    def schema(self, source: Source) -> pa.Schema:
        """Return the catalogue's columns and one an extractor."""
        return table_schema(source.catalog, self.recipe)

    def rows(self, source: Source, cutouts: Sequence[Cutout]) -> tuple[pa.Table, list[Failure]]:
        """Measure cutouts."""
        kept, blocks, failures = measure(cutouts, self.recipe)
        return to_arrow(
            Measured(catalog_rows(source.catalog, kept), blocks, failures), self.recipe
        ), failures

    @property
    def size(self) -> tuple[int, int]:
        """Bands and pixels a side of a prepared cutout."""
        return len(self.recipe.bands), self.recipe.preparation.size


def extract(
    source: Source | str | Path,
    out: str | Path,
    *,
    features: Sequence[str] = FEATURES,
    preparation: Preparation | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> Summary:
    """Measure every cutout of a source and write the feature table.

    Parameters
    ----------
    source : Source or path
        Anything that `galfeat.data.open_source` takes or returns.
    out : path
        The file to write, ending in ``.parquet``; an existing one is replaced when the run is
        through, and never before. The failures go beside it, into ``F.failures.csv`` for
        ``F.parquet``. An address, such as ``s3://bucket/F.parquet``, is where both are sent when
        the run is through.
    features : sequence of str
        Names in `galfeat.features.EXTRACTORS`.
    preparation : Preparation, optional
        The default prepares to 64 x 64 pixels with the asinh stretch.
    settings : mapping, optional
        Settings of extractors that differ from their defaults, such as ``{"hog": {"orientations":
        8}}``.
    workers : int, optional
        Number of threads; by default the number of processors. The table does not depend on it.
    options : Options, optional
        More of how the run goes about it: processes or a cluster instead of threads, beginning
        anew, trying again what failed.
    progress : callable, optional
        Called with the entries done, the entries there are, and the failures so far.
    inputs : sequence of path or None
        Files that the output may not replace, beside `source`.

    Returns
    -------
    Summary

    Raises
    ------
    UsageError
        If the source, an extractor or the output cannot be used.
    """
    place = place_of(out)
    check_target(place, [source if isinstance(source, str | Path) else None, *inputs], [".parquet"])
    source = open_source(source) if isinstance(source, str | Path) else source
    recipe = Recipe.of(features, source.bands, preparation or Preparation(), settings)
    ending = Ending(None, partial(_metadata, recipe))
    options = with_workers(options, workers)
    run = partial(
        run_batch, FeatureTask(recipe), source, ending=ending, options=options, progress=progress
    )
    return deliver(out, run, again=options.retry_failed)


def _metadata(recipe: Recipe, manifest: Manifest, counts: Counts) -> dict[bytes, bytes]:
    """Return what a feature table says of itself."""
    about = recipe.settings() | {
        "columns": recipe.columns,
        "fingerprint": recipe.fingerprint,
        "versions": versions(),
    }
    about["counts"] = {
        "entries": manifest.catalog["entries"],
        "measured": counts.done,
        "failed": counts.failed,
    }
    return {KEY: as_json(about), RUN: as_json(manifest.said())}
