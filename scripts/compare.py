"""``galfeat compare``: hand-crafted features against raw pixels, as a report."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from galfeat.scripts.configuring import Config
from galfeat.scripts.options import (
    Label,
    Seed,
    Size,
    Workers,
    names,
    with_read_options,
)
from galfeat.scripts.running import echo_stderr, main_of

if TYPE_CHECKING:
    from galfeat.data.sources.options import ReadOptions


@with_read_options
def compare(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SOURCE]", help="Labelled cutouts; by default the embedded simulated survey."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("report"),
    *,
    reading: "ReadOptions",
    label: Label = "label",
    size: Size = 64,
    extractors: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…", help="Extractors of other packages, to compare beside the features."
        ),
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick/--full",
            help="A first look in minutes, or the whole protocol in about an hour.",
        ),
    ] = True,
    test_source: Annotated[
        Path | None,
        typer.Option(
            metavar="SOURCE",
            help="Other labeled cutouts with these bands and classes, to test on as well.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with an interrupted comparison in the same folder."),
    ] = False,
    config: Config = None,
) -> None:
    """Compare hand-crafted features with raw pixels on labeled cutouts and write a report."""
    from galfeat.data.sources.open import open_with_options
    from galfeat.pipeline import compare as head_to_head
    from galfeat.pipeline.reporting import judge
    from galfeat.pipeline.reporting.folder import check_report_folder
    from galfeat.scripts.batching import report_unread
    from galfeat.scripts.configuring import extractor_settings, preparation
    from galfeat.scripts.progress import Display

    check_report_folder(out, [source, reading.catalog, test_source, reading.positions, config])
    opened = None if source is None else open_with_options(source, reading)
    # the catalog belongs to SOURCE only
    test_reading = replace(reading, catalog=None)
    with Display("measure") as measuring, Display("train", "parts") as training:
        compared = head_to_head(
            opened,
            out,
            name=None if source is None else source.resolve().name,
            label=label,
            plan="quick" if quick else "full",
            test_source=None
            if test_source is None
            else open_with_options(test_source, test_reading),
            test_name=None if test_source is None else test_source.resolve().name,
            preparation=preparation(config, size),
            settings=extractor_settings(config),
            extractors=names(extractors) or (),
            seed=seed,
            workers=workers,
            resume=resume,
            measuring=measuring,
            training=training,
            saying=lambda sentence: echo_stderr(f"compare: {sentence}"),
        )
    for sentence in judge(compared.results).sentences:
        echo_stderr(sentence)
    if opened is not None:
        report_unread(opened)
    failed = f" ({compared.failed:,} cutouts failed)" if compared.failed else ""
    echo_stderr(f"compare: the report is {compared.report}{failed}")


if __name__ == "__main__":
    main_of(compare)
