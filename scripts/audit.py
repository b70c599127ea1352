"""``galfeat audit``: measure the invariances of the extractors."""

from pathlib import Path
from typing import Annotated

import typer

from galfeat.scripts.configuring import Config
from galfeat.scripts.options import Extractors, Seed, Size, names
from galfeat.scripts.running import echo_stderr, main_of


def audit(
    out: Annotated[Path | None, typer.Option(help="Folder for audit.csv and audit.png.")] = None,
    n: Annotated[int, typer.Option(min=2, max=5000, help="Number of simulated galaxies.")] = 200,
    size: Size = 64,
    extractors: Extractors = None,
    seed: Seed = 0,
    config: Config = None,
) -> None:
    """Measure what the extractors promise not to react to, on simulated galaxies;
    status 1 if a promise is broken.

    The table goes to the standard output. A relative change of 0 is none at all; 1 makes a galaxy
    as different from itself as from another.
    """
    del config  # its callback has set the defaults of the options above
    from galfeat.pipeline import audit as measure
    from galfeat.pipeline.invariance.figure import audit_text, write_audit
    from galfeat.scripts.progress import Display

    with Display("audit", "galaxies") as display:
        found = measure(names(extractors), n=n, size=size, seed=seed, progress=display)
    typer.echo(audit_text(found))
    if out is not None:
        echo_stderr(f"audit: {write_audit(found, out)}")
    for broken in found.broken:
        echo_stderr(f"audit: {broken}")
    if found.broken:
        raise typer.Exit(1)


if __name__ == "__main__":
    main_of(audit)
