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
    Strict,
    Workers,
    with_read_options,
)
from galfeat.scripts.running import echo_unless_quiet, finish, main_of

if TYPE_CHECKING:
    from galfeat.data.sources.options import ReadOptions


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
            options=options,
            progress=progress,
            inputs=[source, reading.catalog, reading.positions],
        )
        report_unread(opened)
    echo_unless_quiet(f"classify: {summary.ends('classified')}")
    finish(summary.done, summary.failed, strict)


if __name__ == "__main__":
    main_of(classify)
