"""Classification in batch: a model and a source of cutouts to classes and probabilities."""

from collections.abc import Sequence
from pathlib import Path

from galfeat.data import Source, open_source
from galfeat.features import Extractor
from galfeat.pipeline.batch.merge import write_csv, write_parquet
from galfeat.pipeline.batch.options import Options, Progress, RunSummary, with_workers
from galfeat.pipeline.batch.run import run_batch
from galfeat.pipeline.extraction.upload import OutputLocation
from galfeat.pipeline.models.measurement import ClassMeasurement
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.outputs import check_target

__all__ = ["classify"]


def classify(
    model: Model | str | Path,
    source: Source | str | Path,
    out: str | Path,
    *,
    extractors: Sequence[Extractor] = (),
    workers: int | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> RunSummary:
    """Classify every cutout of a source.

    The cutouts are prepared and measured with the recipe of the model. Bands are matched by name;
    a cutout that lacks one becomes a failure.

    Parameters
    ----------
    model : Model or path
    source : Source or path
    out : path
        Ending in ``.parquet`` or ``.csv``: ``id``, ``class``, and one ``p_<class>`` per class. The
        list of failures is written beside it. It can be an address, as in `extract`.
    extractors : sequence of Extractor
        Those of other packages that the model uses and that are not installed.
    workers : int, optional
        Number of worker threads; the result does not depend on it.
    options : Options, optional
        As in `extract`. A finished CSV file has no metadata, so a retry measures everything again.
    progress : callable, optional
        As in `extract`.
    inputs : sequence of path or None
        Files that the output must not replace, in addition to `source`.

    Returns
    -------
    RunSummary

    Raises
    ------
    UsageError
        If the model, the source or the output cannot be used.
    """
    output = OutputLocation.of(out)
    check_target(
        output.path,
        [source if isinstance(source, str | Path) else None, *inputs],
        [".parquet", ".csv"],
    )
    model = model if isinstance(model, Model) else Model.load(model, extractors)
    source = open_source(source) if isinstance(source, str | Path) else source
    options = with_workers(options, workers)
    if options.retry_failed:
        output.download()
    summary = run_batch(
        ClassMeasurement(model),
        source,
        output.path,
        write_table=write_parquet if output.path.suffix.lower() == ".parquet" else write_csv,
        options=options,
        progress=progress,
    )
    return output.upload(summary)
