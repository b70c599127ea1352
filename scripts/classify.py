"""``galfeat classify``: give every cutout of a source its class and probabilities."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galfeat.scripts.batching import (
    Cluster,
    LogFile,
    Processes,
    Quiet,
    Restart,
    RetryFailed,
    monitoring,
    options_of,
    report_unread,
)
from galfeat.scripts.configuring import Config
from galfeat.scripts.options import (
    Source,
    Workers,
    priors_of,
    with_read_options,
)
from galfeat.scripts.running import echo_stderr, echo_unless_quiet, finish, main_of

if TYPE_CHECKING:
    from galfeat.data.sources.options import ReadOptions
    from galfeat.pipeline.transfer.domain_summary import DomainSummary


@with_read_options
def classify(
    model: Annotated[
        Path, typer.Argument(metavar="M.galfeat", help="A model file of 'galfeat train'.")
    ],
    source: Source,
    out: Annotated[
        Path, typer.Option(help="File to write, .parquet or .csv; failures go beside it.")
    ],
    *,
    reading: "ReadOptions",
    priors: Annotated[
        str | None,
        typer.Option(
            metavar="equal|estimated|A=0.7,B=0.3",
            help=(
                "How common the classes are among the cutouts; 'estimated' from the cutouts. By "
                "default what the model was trained for."
            ),
        ),
    ] = None,
    workers: Workers = None,
    processes: Processes = False,
    cluster: Cluster = None,
    restart: Restart = False,
    retry_failed: RetryFailed = False,
    log: LogFile = None,
    quiet: Quiet = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help=(
                "Exit with status 1 if any cutout failed; refuse cutouts unlike the training "
                "galaxies."
            ),
        ),
    ] = False,
    config: Config = None,
) -> None:
    """Give every cutout of a source its class and the probability of each class."""
    del config  # its callback has set the defaults of the options above
    from galfeat.data.sources.open import open_with_options
    from galfeat.pipeline import classify as predict

    opened = open_with_options(source, reading)
    options = options_of(workers, processes, cluster, restart, retry_failed)
    with monitoring("classify", log, quiet) as progress:
        summary = predict(
            model,
            opened,
            out,
            priors=None if priors is None else priors_of(priors, ("equal", "estimated")),
            strict=strict,
            options=options,
            progress=progress,
            inputs=[source, reading.catalog, reading.positions],
        )
        report_unread(opened)
    if summary.done:
        _report_domain(summary.domain)
        if priors == "estimated":
            told = ", ".join(f"{name} {value:.3f}" for name, value in summary.priors.items())
            echo_unless_quiet(f"classify: estimated class priors: {told}")
    echo_unless_quiet(f"classify: {summary.ends('classified')}")
    finish(summary.done, summary.failed, strict)


def _report_domain(domain: "DomainSummary") -> None:
    """Say how far the cutouts are from the training galaxies."""
    if not domain.is_another:
        echo_unless_quiet(f"classify: {domain.sentence}")
        return
    line = "=" * 78
    echo_stderr(line)
    echo_stderr(f"classify: WARNING: {domain.sentence}.")
    echo_stderr("These cutouts are not like the galaxies that the model was trained on: another")
    echo_stderr(
        "instrument, depth, scale or selection. Do not trust its classes and probabilities;"
    )
    echo_stderr("train on galaxies like these, of known classes (docs/models.md).")
    echo_stderr(line)


if __name__ == "__main__":
    main_of(classify)
