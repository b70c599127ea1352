"""``galfeat doctor``: versions, and a self-test of this installation."""

import typer

from galfeat.scripts.running import main_of


def doctor() -> None:
    """Print the versions of everything, then check that this installation measures and learns
    correctly; status 1 if not.
    """
    from galfeat.pipeline.doctor import check_up, facts

    for name, fact in facts().items():
        typer.echo(f"{name:<24} {fact}")
    typer.echo("")
    failed = 0
    for check in check_up():
        typer.echo(f"{'ok' if check.passed else 'WRONG':<6} {check.name}: {check.found}")
        failed += not check.passed
    typer.echo(
        "all is well"
        if not failed
        else (
            f"{failed} of the checks failed: do not trust this installation, and report the "
            "lines above"
        )
    )
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    main_of(doctor)
