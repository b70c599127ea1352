"""``galfeat compare``: hand-crafted features against raw pixels, as a report."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.configuring import Config
from galfeat.scripts.options import (
    AllowOutside,
    BadBits,
    Bands,
    Catalog,
    Companions,
    Label,
    Layout,
    MissingBands,
    Positions,
    Seed,
    Size,
    SizeArcsec,
    SizePixels,
    Workers,
    names,
)
from galfeat.scripts.running import main_of, say


def compare(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SOURCE]", help="Labelled cutouts; by default the embedded simulated survey."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("report"),
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
    label: Label = "label",
    size: Size = 64,
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
            help="Other labelled cutouts with these bands and classes, to test on as well.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with an interrupted comparison in the same folder."),
    ] = False,
    config: Config = None,
) -> None:
    """Compare hand-crafted features with raw pixels on labelled cutouts and write a report."""
    from galfeat.data import Source, open_source
    from galfeat.pipeline import compare as head_to_head
    from galfeat.pipeline.reporting import judge
    from galfeat.pipeline.reporting.folder import check_report_folder
    from galfeat.scripts.configuring import extractor_settings, preparation
    from galfeat.scripts.progress import Display

    def open_one(path: Path, catalog: Path | None) -> Source:
        return open_source(
            path,
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

    check_report_folder(out, [source, catalog, test_source, positions, config])
    opened = None if source is None else open_one(source, catalog)
    with Display("measure") as measuring, Display("train", "parts") as training:
        compared = head_to_head(
            opened,
            out,
            name=None if source is None else source.resolve().name,
            label=label,
            plan="quick" if quick else "full",
            test_source=None if test_source is None else open_one(test_source, None),
            test_name=None if test_source is None else test_source.resolve().name,
            preparation=preparation(config, size),
            settings=extractor_settings(config),
            seed=seed,
            workers=workers,
            resume=resume,
            measuring=measuring,
            training=training,
            saying=lambda sentence: say(f"compare: {sentence}"),
        )
    for sentence in judge(compared.results).sentences:
        say(sentence)
    failed = f" ({compared.failed:,} cutouts failed)" if compared.failed else ""
    say(f"compare: the report is {compared.report}{failed}")


if __name__ == "__main__":
    main_of(compare)
