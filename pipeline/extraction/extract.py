"""Feature extraction in batch: a source of cutouts to a feature table and a list of failures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from galfeat import UsageError
from galfeat.data import Preparation, Source, open_source
from galfeat.data.sources.calibrated import calibrated
from galfeat.features import Extractor, Photometry
from galfeat.pipeline.batch.merge import write_failures
from galfeat.pipeline.batch.options import (
    Options,
    Progress,
    RunSummary,
    failures_path,
    with_workers,
)
from galfeat.pipeline.batch.run import run_batch
from galfeat.pipeline.batch.worker_process import why_not_sent
from galfeat.pipeline.extraction.measurement import FeatureMeasurement
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.upload import OutputLocation
from galfeat.pipeline.outputs import check_target
from galfeat.pipeline.recipes import DEFAULT

__all__ = [
    "Options",
    "Progress",
    "RunSummary",
    "extract",
    "failures_path",
    "write_failures",
]


def extract(
    source: Source | str | Path,
    out: str | Path,
    *,
    features: Sequence[str | Extractor | Photometry] | None = None,
    recipe: str = DEFAULT.name,
    preparation: Preparation | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    errors: bool = False,
    workers: int | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> RunSummary:
    """Measure every cutout of a source and write the feature table.

    Parameters
    ----------
    source : Source or path
        Anything that `galfeat.data.open_source` takes or returns.
    out : path
        The file to write, ending in ``.parquet``; an existing one is replaced at the end of the
        run, never before. The list of failures is written beside it, ``F.failures.csv`` for
        ``F.parquet``. With an address, such as ``s3://bucket/F.parquet``, both are uploaded at the
        end of the run.
    features : sequence of str, Extractor or Photometry, optional
        Names in `galfeat.features.EXTRACTORS` or of installed packages, or extractors themselves;
        by default all of the recipe. "photometry" measures fluxes and colors on the pixels as they
        were read, with the calibration in their headers.
    recipe : {"default", "classic"}
        "default" has the settings that the comparison found best for galaxies, "classic" the
        lecture's five extractors with the settings of their papers.
    preparation : Preparation, optional
        The default prepares to 64 x 64 pixels with the asinh stretch.
    settings : mapping, optional
        Settings of extractors that differ from the recipe's, such as ``{"hog": {"orientations":
        8}}``.
    errors : bool, default False
        Whether shape and photometry have a column of errors, ``<column>_err``, beside each column:
        the scatter of 32 repeated exposures, whose noise is that of the noise map or of the sky,
        which takes that many times as long. Fluxes, magnitudes and colors have errors without it,
        for their apertures as they are.
    workers : int, optional
        Number of worker threads; by default the number of processors. The table does not depend on
        it.
    options : Options, optional
        Further execution options: processes or a cluster instead of threads, restart, retry of
        failures.
    progress : callable, optional
        Called with the entries done, the number of entries, and the failures so far.
    inputs : sequence of path or None
        Files that the output must not replace, in addition to `source`.

    Returns
    -------
    RunSummary

    Raises
    ------
    UsageError
        If the source, the recipe, an extractor or the output cannot be used.
    """
    output = OutputLocation.of(out)
    check_target(
        output.path, [source if isinstance(source, str | Path) else None, *inputs], [".parquet"]
    )
    source = open_source(source) if isinstance(source, str | Path) else source
    _check_objects(features or ())
    measured = Recipe.of(
        features,
        source.bands,
        preparation or Preparation(),
        settings,
        name=recipe,
        errors=errors,
    )
    measured = replace(measured, units=_pixel_units(source))
    if measured.photometry is not None:
        source = calibrated(source)
    options = with_workers(options, workers)
    if options.retry_failed:
        output.download()
    summary = run_batch(
        FeatureMeasurement(measured, getattr(source, "units", ())),
        source,
        output.path,
        options=options,
        progress=progress,
    )
    return output.upload(summary)


def _pixel_units(source: Source) -> tuple[str, ...]:
    """Return the units of the bands' pixels that all galaxies have; empty: none are stated.

    A galaxy of another unit is a failure unless units may be mixed.
    """
    units: tuple[str, ...] = getattr(source, "units", ())
    mixed = "mixed_units" in getattr(source, "settings", {})
    return units if len(units) == len(source.bands) and any(units) and not mixed else ()


def _check_objects(features: Sequence[str | Extractor | Photometry]) -> None:
    """Refuse extractors that worker processes cannot be given."""
    for each in features:
        if problem := why_not_sent(each):
            raise UsageError(
                f"the extractor '{getattr(each, 'key', each)}' cannot be sent to other processes: "
                f"define its class at the top of a module, not in a function ({problem})"
            )
