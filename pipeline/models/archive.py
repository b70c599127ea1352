"""Model files: JSON and arrays in one file, written atomically, without pickle."""

from pathlib import Path
from typing import Any

from galfeat._atomic_files import atomic_path
from galfeat.nn.saving.archive import pack, read_file

__all__ = ["read_archive", "write_archive"]


def write_archive(path: Path, tree: dict[str, Any]) -> None:
    """Write a tree of JSON values and arrays; missing folders are created.

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
    """Read a tree that `write_archive` wrote.

    Raises
    ------
    UsageError
        If the file is missing, has another format, is damaged, or was edited.
    """
    return read_file(path)
