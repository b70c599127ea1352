"""``galfeat train``: train a shallow network on a feature table."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat import UsageError
from galfeat.scripts.configuring import Config
from galfeat.scripts.options import Workers, names, priors_of
from galfeat.scripts.running import echo_stderr, main_of

_MOST_UNITS = 65536  # a layer; beyond that it is a mistyped number, not a shallow network


def train(
    table: Annotated[
        Path, typer.Argument(metavar="F.parquet", help="A feature table of 'galfeat extract'.")
    ],
    out: Annotated[
        Path,
        typer.Option(help="Model file to write; its scores go beside it, into M.report.html."),
    ],
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…",
            help=(
                "Extractors, or one input of the comparison; by default all hand-crafted features "
                "of the table's recipe."
            ),
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Catalog column with the classes; 'label' unless given.")
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            metavar="N,M,…", help="Units of the hidden layers; by default the search chooses."
        ),
    ] = None,
    networks: Annotated[
        int | None, typer.Option(min=1, help="Networks in the ensemble; by default five.")
    ] = None,
    priors: Annotated[
        str,
        typer.Option(
            metavar="equal|training|A=0.7,B=0.3",
            help="How common the classes are where the model is used.",
        ),
    ] = "equal",
    folds: Annotated[
        int,
        typer.Option(min=0, help="Folds of the cross-validation that scores the model; 0: none."),
    ] = 5,
    from_report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Take the settings of a report of 'galfeat compare'."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of everything random; 0 unless given.")
    ] = None,
    workers: Workers = None,
    config: Config = None,
) -> None:
    """Train an ensemble of shallow networks on a feature table, write the model file, and say
    what the model is worth.
    """
    del config  # its callback has set the defaults of the options above
    from galfeat.pipeline import train as fit
    from galfeat.pipeline.models.scores import scores_text
    from galfeat.scripts.progress import Display

    with Display("train", "folds") as display:
        trained = fit(
            table,
            out,
            inputs=names(inputs),
            label=label,
            hidden=_units(hidden),
            networks=networks,
            priors=priors_of(priors, ("equal", "training")),
            folds=folds,
            from_report=from_report,
            seed=seed,
            workers=workers,
            progress=display,
        )
    if trained.scores is not None:
        for line in scores_text(trained.scores):
            echo_stderr(line)
    for sentence in trained.notes:
        echo_stderr(f"train: {sentence}")
    for sentence in trained.warnings:
        echo_stderr(f"train: warning: {sentence}")
    counts = ", ".join(f"{name} {count:,}" for name, count in trained.classes.items())
    without = f"; {trained.unlabeled:,} without a label left out" if trained.unlabeled else ""
    scored = f"; its scores are in {trained.report}" if trained.report else ""
    echo_stderr(
        f"train: {trained.model.input.name} of {sum(trained.classes.values()):,} galaxies "
        f"({counts}){without}: {trained.path}{scored}"
    )


def _units(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    units = names(text) or ()
    if not units or not all(unit.isdecimal() and 0 < int(unit) <= _MOST_UNITS for unit in units):
        raise UsageError(
            f"--hidden takes numbers from 1 to {_MOST_UNITS} joined by commas, such as 64 or "
            f"128,32; not '{text}'"
        )
    return tuple(int(unit) for unit in units)


if __name__ == "__main__":
    main_of(train)
