"""``galfeat extract``: measure every cutout of a source and write the feature table."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.pipeline.extraction.feature_names import FEATURES
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
    Size,
    SizeArcsec,
    SizePixels,
    Source,
    Strict,
    Workers,
    names,
)
from galfeat.scripts.running import finish, main_of, say_unless_quiet


def extract(
    source: Source,
    out: Annotated[
        Path,
        typer.Option(help="Parquet file to write; failures go beside it, into F.failures.csv."),
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
    features: Annotated[str, typer.Option(metavar="A,B,…", help="Extractors.")] = ",".join(
        FEATURES
    ),
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
    from galfeat.data import open_source
    from galfeat.pipeline import extract as measure
    from galfeat.scripts.configuring import extractor_settings, preparation

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
    with watching("extract", log, quiet) as progress:
        summary = measure(
            opened,
            out,
            features=names(features) or (),
            preparation=preparation(config, size),
            settings=extractor_settings(config),
            options=options,
            progress=progress,
            inputs=[source, catalog, positions],
        )
    say_unless_quiet(f"extract: {summary.ends('measured')}")
    finish(summary.done, summary.failed, strict)


if __name__ == "__main__":
    main_of(extract)
