"""Manifest of a run: its settings and catalog, so that only the same run is resumed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galfeat import UsageError
from galfeat._atomic_files import atomic_open
from galfeat.pipeline.batch.disk_errors import explain_disk_errors
from galfeat.pipeline.batch.work import BatchWork
from galfeat.pipeline.settings_diff import MISSING, changes

__all__ = ["Manifest"]

_MAX_LISTED = 5  # differences in a message
_DIGITS = 8  # of a shard's digest


@dataclass(frozen=True)
class Manifest:
    """Settings and catalog of a run.

    Parameters
    ----------
    about : dict
        The settings, as `BatchWork.settings` gives them.
    catalog : dict
        Number of entries, names of the columns, shard size, and a digest of each shard's rows.
    files : str
        For a finished run with failures, digests of the files that the shards were measured from.
    """

    about: dict[str, Any]
    catalog: dict[str, Any]
    files: str = ""

    @classmethod
    def of(cls, work: BatchWork) -> "Manifest":
        """Return the manifest of a run."""
        columns = [] if work.source.catalog is None else list(work.source.catalog.column_names)
        digests = "".join(work.catalog_digest(shard)[:_DIGITS] for shard in work.shards())
        catalog = {
            "entries": len(work.source),
            "columns": columns,
            "shard": work.shard_size,
            "digests": digests,
        }
        return cls(json.loads(json.dumps(work.settings())), catalog)

    @property
    def catalog_fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the catalog's digests."""
        return hashlib.sha256(json.dumps(self.catalog, sort_keys=True).encode()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write the manifest."""
        with explain_disk_errors(path), atomic_open(path) as file:
            file.write(json.dumps({"about": self.about, "catalog": self.catalog}).encode())

    @classmethod
    def load(cls, path: Path) -> "Manifest | None":
        """Read a manifest; None if it is missing or damaged."""
        try:
            read = json.loads(path.read_bytes())
            return cls(dict(read["about"]), dict(read["catalog"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record(self) -> dict[str, Any]:
        """Return the record of the run for the metadata of its table.

        It includes the digests of the files only if something failed, and may be measured again.
        """
        record = {
            "about": self.about,
            "entries": self.catalog["entries"],
            "catalog": self.catalog_fingerprint,
        }
        return {**record, "files": self.files} if self.files else record

    def check_table(self, record: Mapping[str, Any], out: Path) -> None:
        """Check that a finished table comes from the same run.

        Parameters
        ----------
        record : mapping
            The record in its metadata.
        out : Path
            The table, for the message.

        Raises
        ------
        UsageError
            With the first differences, otherwise.
        """
        names = {
            "entries": "the number of entries of the catalog",
            "catalog": "the fingerprint of the catalog",
        }
        now = self.record()
        found = [
            *_describe_changes(dict(record["about"]), self.about),
            *_describe_changes(
                {names[key]: record[key] for key in names}, {names[key]: now[key] for key in names}
            ),
        ]
        if found:
            raise UsageError(
                f"{out} was made with other settings or inputs: {_enumerate(found)}. "
                "Give the command that made it, or add --restart to measure everything"
            )

    def check_unfinished(self, then: "Manifest", out: Path) -> None:
        """Check that an unfinished run is the same run.

        Raises
        ------
        UsageError
            With the first differences, otherwise.
        """
        found = [
            *_describe_changes(then.about, self.about),
            *_describe_catalog_changes(then.catalog, self.catalog),
        ]
        if found:
            raise UsageError(
                f"the unfinished run for {out} was started with other settings or inputs: "
                f"{_enumerate(found)}. Give the same command as then to continue it, or "
                "add --restart to start over"
            )


def _describe_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Describe the differences of two trees of settings, entry by entry."""
    for name, old, new in changes(then, now):
        if old is MISSING:
            yield f"{name} has been added"
        elif new is MISSING:
            yield f"{name} has been removed"
        else:
            yield f"{name} was {_short(old)} and is {_short(new)} now"


def _enumerate(found: list[str]) -> str:
    return "; ".join(found[:_MAX_LISTED]) + (
        f"; and {len(found) - _MAX_LISTED} more" if len(found) > _MAX_LISTED else ""
    )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _describe_catalog_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then == now:
        return
    if then["columns"] != now["columns"]:
        yield (
            f"the columns of the catalog were {', '.join(then['columns'])} and are "
            f"{', '.join(now['columns'])} now"
        )
    if then["entries"] != now["entries"]:
        yield f"the catalog had {then['entries']:,} entries and has {now['entries']:,} now"
    size = now["shard"]
    if then["shard"] == size:
        changed = next(_changed_shards(then["digests"], now["digests"]), None)
        if changed is not None:
            first, last = changed * size + 1, min((changed + 1) * size, now["entries"])
            yield f"rows {first:,} to {last:,} of the catalog have changed"


def _changed_shards(then: str, now: str) -> Iterator[int]:
    for start in range(0, min(len(then), len(now)) - _DIGITS + 1, _DIGITS):
        if then[start : start + _DIGITS] != now[start : start + _DIGITS]:
            yield start // _DIGITS
