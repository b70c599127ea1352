"""A model on disk: one file of JSON and arrays, written whole or not at all."""

from pathlib import Path
from typing import Any

from galfeat._atomic_files import atomic_path
from galfeat.nn.saving.archive import pack, read_file

__all__ = ["read_archive", "write_archive"]


def write_archive(path: Path, tree: dict[str, Any]) -> None:
    """Write a tree of JSON values and arrays.

    An existing file is replaced, missing folders are made.

    Parameters
    ----------
    path : Path
    tree : dict
        Nested dicts and lists of JSON values and NumPy arrays of numbers or text.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    data = pack(tree)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def read_archive(path: Path) -> dict[str, Any]:
    """Read what `write_archive` wrote.

    Raises
    ------
    UsageError
        If the file is missing, is no such file, is damaged, or was changed by hand.
    """
    return read_file(path)
