"""``galfeat train``: train a shallow network on a feature table."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat import UsageError
from galfeat.scripts.configuring import Config
from galfeat.scripts.options import Label, Seed, names
from galfeat.scripts.running import echo_stderr, main_of

_MOST_UNITS = 65536  # a layer; beyond that it is a mistyped number, not a shallow network


def train(
    table: Annotated[
        Path, typer.Argument(metavar="F.parquet", help="A feature table of 'galfeat extract'.")
    ],
    out: Annotated[Path, typer.Option(help="Model file to write.")],
    inputs: Annotated[
        str, typer.Option(metavar="A,B,…", help="Extractors, or one input of the comparison.")
    ] = "features",
    label: Label = "label",
    hidden: Annotated[
        str, typer.Option(metavar="N,M,…", help="Units of the hidden layers.")
    ] = "64",
    seed: Seed = 0,
    config: Config = None,
) -> None:
    """Train a shallow network on a feature table and write the model file."""
    del config  # its callback has set the defaults of the options above
    from galfeat.pipeline import train as fit

    trained = fit(
        table, out, inputs=names(inputs) or (), label=label, hidden=_units(hidden), seed=seed
    )
    counts = ", ".join(f"{name} {count:,}" for name, count in trained.classes.items())
    without = f"; {trained.unlabeled:,} without a label left out" if trained.unlabeled else ""
    echo_stderr(
        f"train: {trained.model.input.name} of {sum(trained.classes.values()):,} galaxies "
        f"({counts}){without}: {trained.path}"
    )


def _units(text: str) -> tuple[int, ...]:
    units = names(text) or ()
    if not units or not all(unit.isdecimal() and 0 < int(unit) <= _MOST_UNITS for unit in units):
        raise UsageError(
            f"--hidden takes numbers from 1 to {_MOST_UNITS} joined by commas, such as 64 or "
            f"128,32; not '{text}'"
        )
    return tuple(int(unit) for unit in units)


if __name__ == "__main__":
    main_of(train)
