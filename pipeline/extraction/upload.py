"""Outputs on object stores: written locally, as safely as any output, and uploaded at the end.

The local files of ``s3://bucket/F.parquet`` lie in a folder of their own in the user's cache, where
an interrupted run is resumed. The list of failures is uploaded first and the table last, so a table
is never without its list.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from galfeat import UsageError
from galfeat.data.sources.remote import address_of, receive, send
from galfeat.pipeline.batch.options import RunSummary, failures_path, notes_path

__all__ = ["OutputLocation"]


@dataclass(frozen=True)
class OutputLocation:
    """Local path of an output, and the address to upload it to, if any.

    Parameters
    ----------
    path : Path
        Where the run writes the output.
    address : str or None
        Where it is uploaded to at the end.
    """

    path: Path
    address: str | None = None

    @classmethod
    def of(cls, out: str | Path) -> "OutputLocation":
        """Return the location of a path or of an address such as ``s3://bucket/F.parquet``.

        The local files of an address lie in ``~/.cache/galfeat`` or below ``XDG_CACHE_HOME``.

        Raises
        ------
        UsageError
            If an address names a folder.
        """
        address = address_of(out)
        if address is None:
            return cls(Path(out))
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        name = address.rpartition("/")[2]
        if not name:
            raise UsageError(f"{address}: names a folder; name a file in it")
        digest = hashlib.sha256(address.encode()).hexdigest()[:16]
        return cls(cache / "galfeat" / digest / name, address)

    def download(self) -> None:
        """Download an existing output and its list of failures, unless they are here already."""
        if self.address is not None and not self.path.exists():
            for file, name in self._remote_names().items():
                receive(name, file)

    def upload(self, summary: RunSummary) -> RunSummary:
        """Upload the output and its list of failures, and delete the local files.

        Nothing happens without an address.

        Returns
        -------
        RunSummary
            With the addresses instead of the local paths.

        Raises
        ------
        UsageError
            If the server refuses; the local files are kept, and the message says where.
        """
        if self.address is None:
            return summary
        there = self._remote_names()
        written = {file: name for file, name in there.items() if file.exists()}
        for file, name in written.items():
            try:
                send(file, name)
            except UsageError as error:
                kept = self.path.parent
                raise UsageError(f"{error}; the data to be sent are kept in {kept}") from error
        for file in written:
            file.unlink()
        with suppress(OSError):
            self.path.parent.rmdir()
        return replace(
            summary,
            path=self.address,
            failures=there[failures_path(self.path)],
            notes=there[notes_path(self.path)],
        )

    def _remote_names(self) -> dict[Path, str]:
        """Return the local files and their addresses, in the order of the upload."""
        folder = (self.address or "").rpartition("/")[0]
        files = failures_path(self.path), notes_path(self.path), self.path
        return {file: f"{folder}/{file.name}" for file in files}
