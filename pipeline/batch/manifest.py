"""What an unfinished run was about, so that nothing else goes on in its folder."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galfeat import UsageError
from galfeat.pipeline.batch.task import Work
from galfeat.pipeline.batch.writing import appearing, resumable
from galfeat.pipeline.settings_diff import NOTHING, changes

__all__ = ["Manifest"]

_SHOWN = 5  # differences


@dataclass(frozen=True)
class Manifest:
    """What a run is about.

    Parameters
    ----------
    about : dict
        The task with its settings, as `Task.about` says them.
    catalog : dict
        Number of entries, names of the columns, and a digest of each shard's rows.
    files : str
        Of a run with failures, a digest of the files that each shard was measured from.
    """

    about: dict[str, Any]
    catalog: dict[str, Any]
    files: str = ""

    @classmethod
    def of(cls, work: Work) -> "Manifest":
        """Describe the work."""
        columns = [] if work.source.catalog is None else list(work.source.catalog.column_names)
        digests = "".join(work.catalog_digest(shard)[:8] for shard in work.shards())
        catalog = {
            "entries": len(work.source),
            "columns": columns,
            "shard": work.shard_size,
            "digests": digests,
        }
        return cls(json.loads(json.dumps(work.about())), catalog)

    @property
    def catalog_fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the catalogue's digests."""
        return hashlib.sha256(json.dumps(self.catalog, sort_keys=True).encode()).hexdigest()[:16]

    def save(self, path: Path) -> None:
        """Write the manifest."""
        with resumable(path), appearing(path) as file:
            file.write(json.dumps({"about": self.about, "catalog": self.catalog}).encode())

    @classmethod
    def load(cls, path: Path) -> "Manifest | None":
        """Read a manifest; None if it is not there or damaged."""
        try:
            read = json.loads(path.read_bytes())
            return cls(dict(read["about"]), dict(read["catalog"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def said(self) -> dict[str, Any]:
        """Return what a finished table says of the run that made it.

        Of its files only where something is left to be tried again.
        """
        said = {
            "about": self.about,
            "entries": self.catalog["entries"],
            "catalog": self.catalog_fingerprint,
        }
        return {**said, "files": self.files} if self.files else said

    def refuse_other_table(self, said: Mapping[str, Any], out: Path) -> None:
        """Refuse to take over what a table holds that was made otherwise.

        Raises
        ------
        UsageError
            With the first differences.
        """
        names = {
            "entries": "the number of entries of the catalogue",
            "catalog": "the fingerprint of the catalogue",
        }
        now = self.said()
        found = [
            *_said(dict(said["about"]), self.about),
            *_said({names[k]: said[k] for k in names}, {names[k]: now[k] for k in names}),
        ]
        if found:
            raise UsageError(
                f"{out} was made otherwise: {_listed(found)}. Give the command that made it, or "
                "add --restart to measure everything"
            )

    def refuse_other(self, then: "Manifest", out: Path) -> None:
        """Refuse to go on with a run that was about something else.

        Raises
        ------
        UsageError
            With the first differences.
        """
        found = [*_said(then.about, self.about), *_catalog_differences(then.catalog, self.catalog)]
        if found:
            raise UsageError(
                f"the unfinished run for {out} was begun otherwise: {_listed(found)}. "
                "Give the same command as then to go on with it, or add --restart to begin anew"
            )


def _said(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say what differs between two trees of settings, entry by entry."""
    for name, old, new in changes(then, now):
        if old is NOTHING:
            yield f"{name} is there now and was not"
        elif new is NOTHING:
            yield f"{name} was there and is not now"
        else:
            yield f"{name} was {_short(old)} and is {_short(new)} now"


def _listed(found: list[str]) -> str:
    return "; ".join(found[:_SHOWN]) + (
        f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _catalog_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if then == now:
        return
    if then["columns"] != now["columns"]:
        yield (
            f"the columns of the catalogue were {', '.join(then['columns'])} and are "
            f"{', '.join(now['columns'])} now"
        )
    if then["entries"] != now["entries"]:
        yield f"the catalogue had {then['entries']:,} entries and has {now['entries']:,} now"
    size = now["shard"]
    if then["shard"] == size:
        common = min(len(then["digests"]), len(now["digests"])) // 8
        other = [
            i
            for i in range(common)
            if then["digests"][8 * i : 8 * i + 8] != now["digests"][8 * i : 8 * i + 8]
        ]
        if other:
            first, last = other[0] * size + 1, min((other[0] + 1) * size, now["entries"])
            yield f"rows {first:,} to {last:,} of the catalogue are not what they were"
