"""Files that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from galfeat import UsageError

__all__ = ["replacing"]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, what was written there takes the place of `path`.

    Folders that are missing are made. Whatever goes wrong, an existing file stays as it was; if nothing was written, nothing changes.

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
