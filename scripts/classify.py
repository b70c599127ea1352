"""``galfeat classify``: give every cutout of a source its class and probabilities."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.batching import (
    Cluster,
    LogFile,
    Processes,
    Quiet,
    Restart,
    RetryFailed,
    options_of,
    watching,
)
from galfeat.scripts.configuring import Config
from galfeat.scripts.options import (
    AllowOutside,
    BadBits,
    Bands,
    Catalog,
    Companions,
    Layout,
    MissingBands,
    Positions,
    SizeArcsec,
    SizePixels,
    Source,
    Strict,
    Workers,
    names,
)
from galfeat.scripts.running import finish, main_of, say_unless_quiet


def classify(
    model: Annotated[
        Path, typer.Argument(metavar="M.galfeat", help="A model file of 'galfeat train'.")
    ],
    source: Source,
    out: Annotated[
        Path, typer.Option(help="File to write, .parquet or .csv; failures go beside it.")
    ],
    catalog: Catalog = None,
    bands: Bands = None,
    layout: Layout = "auto",
    positions: Positions = None,
    size_arcsec: SizeArcsec = None,
    size_pixels: SizePixels = None,
    missing_bands: MissingBands = "fail",
    companions: Companions = True,
    bad_bits: BadBits = None,
    allow_outside: AllowOutside = False,
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
    del config  # it has done its work: it gave the options above their defaults
    from galfeat.data import open_source
    from galfeat.pipeline import classify as predict

    opened = open_source(
        source,
        catalog=catalog,
        bands=names(bands),
        layout=layout,
        positions=positions,
        size_arcsec=size_arcsec,
        size_pixels=size_pixels,
        missing_bands=missing_bands,
        companions=companions,
        bad_bits=bad_bits,
        allow_outside=allow_outside,
    )
    options = options_of(workers, processes, cluster, restart, retry_failed)
    with watching("classify", log, quiet) as progress:
        summary = predict(
            model,
            opened,
            out,
            options=options,
            progress=progress,
            inputs=[source, catalog, positions],
        )
    say_unless_quiet(f"classify: {summary.ends('classified')}")
    finish(summary.done, summary.failed, strict)


if __name__ == "__main__":
    main_of(classify)
