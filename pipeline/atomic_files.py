"""Files that appear whole or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from galfeat import UsageError

__all__ = ["check_target", "replacing"]

_CATALOGUES = "catalog."


def check_target(
    path: Path, inputs: Iterable[str | Path | None] = (), endings: Sequence[str] = ()
) -> None:
    """Refuse an output before any work is done for it.

    Parameters
    ----------
    path : Path
        The file to write; an existing one may be replaced if it is an ordinary file and none of the
        inputs.
    inputs : iterable of path or None
        What the run reads. Of a folder, its catalogue counts.
    endings : sequence of str
        The endings that the file may have; any if there are none.

    Raises
    ------
    UsageError
        If the file may not be written.
    """
    if not path.name:
        raise UsageError(f"'{path}' is no name of a file to write")
    if endings and path.suffix.lower() not in endings:
        raise UsageError(f"the output must end in {' or '.join(endings)}; '{path}' does not")
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write {path}: it is no ordinary file")
    for each in inputs:
        if each is not None and path.exists() and _is_input(path, Path(each)):
            raise UsageError(f"cannot write {path}: it is one of the inputs; name another file")


def _is_input(path: Path, source: Path) -> bool:
    if source.is_dir():
        return path.name.startswith(_CATALOGUES) and path.resolve().parent == source.resolve()
    return source.exists() and path.samefile(source)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`.

    When the block ends well, what was written there takes the place of `path`.

    Folders that are missing are made. Whatever goes wrong, an existing file stays as it was; if
    nothing was written, nothing changes.

    Parameters
    ----------
    path : Path
        The file to write.

    Yields
    ------
    Path
        The name to write to.

    Raises
    ------
    UsageError
        If the system refuses: no permission, no space, a file where a folder should be.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if part.exists():
            part.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
