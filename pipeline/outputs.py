"""Checks of an output path, before any work is done for it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from galfeat import UsageError

__all__ = ["check_target"]

_CATALOG_STEM = "catalog."  # a folder of cutouts keeps its catalog in such a file


def check_target(
    path: Path, inputs: Iterable[str | Path | None] = (), endings: Sequence[str] = ()
) -> None:
    """Refuse an output path that cannot or must not be written.

    Parameters
    ----------
    path : Path
        The file to write; an existing one may be replaced if it is a regular file and none of the
        inputs.
    inputs : iterable of path or None
        The files that the run reads. Of a folder, its catalog counts.
    endings : sequence of str
        Allowed suffixes, such as ``.parquet``; any if there are none.

    Raises
    ------
    UsageError
        If the file may not be written.
    """
    if not path.name:
        raise UsageError(f"'{path}' is not the name of a file that can be written")
    if endings and path.suffix.lower() not in endings:
        raise UsageError(f"the output must end in {' or '.join(endings)}; '{path}' does not")
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write {path}: it is not a regular file")
    for each in inputs:
        if each is not None and path.exists() and _is_input(path, Path(each)):
            raise UsageError(f"cannot write {path}: it is one of the inputs; name another file")


def _is_input(path: Path, source: Path) -> bool:
    if source.is_dir():
        return path.name.startswith(_CATALOG_STEM) and path.resolve().parent == source.resolve()
    return source.exists() and path.samefile(source)
