"""Classification in batch: a model and a source of cutouts to classes and probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from galfeat.data import Source, open_source
from galfeat.features import Extractor
from galfeat.pipeline.batch.options import Options, Progress, RunSummary, with_workers
from galfeat.pipeline.batch.run import run_batch
from galfeat.pipeline.extraction.upload import OutputLocation
from galfeat.pipeline.models.class_table import ClassTableWriter
from galfeat.pipeline.models.measurement import ClassMeasurement
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.models.priors import ESTIMATED, Priors, class_priors
from galfeat.pipeline.outputs import check_target
from galfeat.pipeline.transfer.domain_summary import DomainSummary

__all__ = ["Classification", "classify"]


@dataclass(frozen=True)
class Classification(RunSummary):
    """Result of `classify`.

    Parameters
    ----------
    path, done, failed, failures, commonest, noted, notes
        Those of `RunSummary`.
    domain : DomainSummary
        How far the cutouts are from the model's training domain.
    priors : dict of str to float
        The class priors of the probabilities.
    """

    domain: DomainSummary = field(default_factory=lambda: DomainSummary(0))
    priors: dict[str, float] = field(default_factory=dict)


def classify(
    model: Model | str | Path,
    source: Source | str | Path,
    out: str | Path,
    *,
    priors: Priors | Literal["estimated"] | None = None,
    strict: bool = False,
    extractors: Sequence[Extractor] = (),
    workers: int | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    inputs: Sequence[str | Path | None] = (),
) -> Classification:
    """Classify every cutout of a source.

    The cutouts are prepared and measured with the recipe of the model. Bands are matched by name;
    a cutout that lacks one becomes a failure.

    Parameters
    ----------
    model : Model or path
    source : Source or path
    out : path
        Ending in ``.parquet`` or ``.csv``: ``id``, ``class``, one ``p_<class>`` per class, and
        ``domain_distance``, above 1 where a galaxy is unlike the training galaxies, with
        ``domain_quantity``, in which it is that far. The list of failures is written beside it. It
        can be an address, as in `extract`.
    priors : "equal", "estimated" or mapping of str to float, optional
        How common the classes are among the cutouts; by default what the model was trained for.
        "estimated" finds it from all cutouts, by expectation maximization
        (`galfeat.pipeline.models.priors.estimated_priors`).
    strict : bool
        Whether cutouts of another domain than the training galaxies' are refused. What was measured
        is kept beside the output: the same command without it goes on from there.
    extractors : sequence of Extractor
        Those of other packages that the model uses and that are not installed.
    workers : int, optional
        Number of worker threads; the result does not depend on it.
    options : Options, optional
        As in `extract`. A finished CSV file has no metadata, so a retry measures everything again;
        so it does with estimated priors.
    progress : callable, optional
        As in `extract`.
    inputs : sequence of path or None
        Files that the output must not replace, in addition to `source`.

    Returns
    -------
    Classification

    Raises
    ------
    UsageError
        If the model, the source or the output cannot be used, or `strict` refuses the cutouts.
    """
    output = OutputLocation.of(out)
    check_target(
        output.path,
        [source if isinstance(source, str | Path) else None, *inputs],
        [".parquet", ".csv"],
    )
    model = model if isinstance(model, Model) else Model.load(model, extractors)
    estimating = priors == ESTIMATED
    if isinstance(priors, str) and priors == "estimated":
        priors = "equal"  # those that probabilities have from which they are estimated
    if priors is not None:
        model = model.with_priors(class_priors(priors, model.classes))
    source = open_source(source) if isinstance(source, str | Path) else source
    options = with_workers(options, workers)
    if options.retry_failed:
        output.download()
    writer = ClassTableWriter(model, output.path, estimating=estimating, strict=strict)
    summary = run_batch(
        ClassMeasurement(model, estimating),
        source,
        output.path,
        write_table=writer,
        options=options,
        progress=progress,
    )
    found = vars(output.upload(summary))
    return Classification(**found, domain=writer.domain, priors=writer.priors)
