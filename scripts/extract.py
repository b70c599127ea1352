"""``galfeat extract``: measure every cutout of a source and write the feature table."""

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
    Recipe,
    Size,
    Source,
    Strict,
    Workers,
    names,
    with_read_options,
)
from galfeat.scripts.running import echo_unless_quiet, finish, main_of

if TYPE_CHECKING:
    from galfeat.data.sources.options import ReadOptions


@with_read_options
def extract(
    source: Source,
    out: Annotated[
        Path,
        typer.Option(help="Parquet file to write; failures go beside it, into F.failures.csv."),
    ],
    *,
    reading: "ReadOptions",
    recipe: Recipe = "default",
    features: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…",
            help=(
                "Extractors, and 'photometry': fluxes and colors of the pixels as they were read; "
                "by default all extractors of the recipe."
            ),
        ),
    ] = None,
    errors: Annotated[
        bool,
        typer.Option(
            "--errors",
            help=(
                "Measure the errors of shape and photometry by repeated exposures, which takes "
                "about 32 times as long: a column F_err beside each column F."
            ),
        ),
    ] = False,
    size: Size = 64,
    workers: Workers = None,
    processes: Processes = False,
    cluster: Cluster = None,
    restart: Restart = False,
    retry_failed: RetryFailed = False,
    log: LogFile = None,
    quiet: Quiet = False,
    strict: Strict = False,
    config: Config = None,
) -> None:
    """Measure every cutout of a source and write the feature table."""
    from galfeat.data.sources.open import open_with_options
    from galfeat.pipeline import extract as measure
    from galfeat.scripts.configuring import extractor_settings, preparation

    opened = open_with_options(source, reading)
    options = options_of(workers, processes, cluster, restart, retry_failed)
    with monitoring("extract", log, quiet) as progress:
        summary = measure(
            opened,
            out,
            features=names(features),
            recipe=recipe,
            preparation=preparation(config, size),
            settings=extractor_settings(config),
            errors=errors,
            options=options,
            progress=progress,
            inputs=[source, reading.catalog, reading.positions],
        )
        report_unread(opened)
    echo_unless_quiet(f"extract: {summary.ends('measured')}")
    finish(summary.done, summary.failed, strict)


if __name__ == "__main__":
    main_of(extract)
