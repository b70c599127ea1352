"""Outputs on a server: written here, as safely as any output, and then sent there.

The work for ``s3://bucket/F.parquet`` is done in a folder of its own in the user's cache, where an
interrupted run goes on. When the run is through, its failures are sent first and the table last, so
that where a table is, its failures are.
"""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from galfeat import UsageError
from galfeat.data.sources.remote import address_of, receive, send
from galfeat.pipeline.batch.run import Summary, failures_path

__all__ = ["deliver", "place_of"]


def place_of(out: str | Path) -> Path:
    """Return where an output is made: a path itself.

    What is meant for a server, in ``~/.cache/galfeat`` or below ``XDG_CACHE_HOME``.

    Raises
    ------
    UsageError
        If an address names no file.
    """
    address = address_of(out)
    if address is None:
        return Path(out)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = address.rpartition("/")[2]
    if not name:
        raise UsageError(f"{address}: names a folder; name a file in it")
    return cache / "galfeat" / hashlib.sha256(address.encode()).hexdigest()[:16] / name


def deliver(out: str | Path, run: Callable[[Path], Summary], *, again: bool = False) -> Summary:
    """Let a run write its output to a path.

    If the output belongs on a server, send it there when the run is through.

    Parameters
    ----------
    out : str or Path
        A path, or an address such as ``s3://bucket/F.parquet``.
    run : callable
        Writes the output and its failures to a local path.
    again : bool
        Whether the run starts from what is there already, and needs it here.

    Returns
    -------
    Summary
        With the names as they were given.

    Raises
    ------
    UsageError
        If the server refuses; the files are kept, and the sentence says where.
    """
    address = address_of(out)
    if address is None:
        return run(Path(out))
    place = place_of(out)
    there = {
        file: f"{address.rpartition('/')[0]}/{file.name}" for file in (failures_path(place), place)
    }
    if again and not place.exists():
        for file, name in there.items():
            receive(name, file)
    summary = run(place)
    names = {file: name for file, name in there.items() if file.exists()}
    for file, name in names.items():
        try:
            send(file, name)
        except UsageError as error:
            raise UsageError(f"{error}; what was to be sent is kept in {place.parent}") from error
    for file in names:
        file.unlink()
    with suppress(OSError):
        place.parent.rmdir()
    return replace(summary, path=address, failures=there[failures_path(place)])
