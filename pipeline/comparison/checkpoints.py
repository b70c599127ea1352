"""Checkpoints of a comparison on disk, so that an interrupted run resumes with the same numbers."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat._atomic_files import atomic_path, target_name
from galfeat.pipeline.comparison.results import Importance, ScoreRow
from galfeat.pipeline.models.hyperparameters import Settings

__all__ = ["Checkpoint", "CheckpointFolder", "fingerprint_of", "remove_checkpoints"]

_FILE_NAME = re.compile(r"\d+-\d+-.*\.json")  # repeat, fold and task


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Result of one task in one fold: the unit that is stored and resumed.

    Parameters
    ----------
    rows : sequence of ScoreRow
    ensemble : sequence of Settings
        What the hyperparameter search chose, the best first.
    probabilities : array, shape (test galaxies, classes), optional
        Of stage ``main``.
    importances : sequence of Importance
    seconds : mapping of str to float
        Times, for the costs. They are the only values that differ from run to run.
    """

    rows: Sequence[ScoreRow]
    ensemble: Sequence[Settings]
    probabilities: NDArray[np.float64] | None = None
    importances: Sequence[Importance] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)


class CheckpointFolder:
    """Folder with the checkpoints of one run, a JSON file each.

    Parameters
    ----------
    folder : Path
    key : str
        Fingerprint of galaxies, settings and seed: checkpoints with another key are ignored.
    resume : bool
        Whether existing checkpoints may be used.

    Attributes
    ----------
    taken : int
        Number of checkpoints that `find` has returned.
    """

    def __init__(self, folder: Path, key: str, *, resume: bool) -> None:
        self.folder, self.key, self.resume, self.taken = folder, key, resume, 0

    def find(self, name: str) -> Checkpoint | None:
        """Return a checkpoint of this run, or None."""
        path = self._path(name)
        if not self.resume or not path.is_file():
            return None
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            checkpoint = _from_json(tree) if tree["key"] == self.key else None
        except (ValueError, KeyError, TypeError):
            return None  # truncated, or written by another version: the task is run again
        self.taken += checkpoint is not None
        return checkpoint

    def count_of_other_runs(self) -> int:
        """Return how many checkpoints in the folder have another key and will be replaced."""
        paths = [path for path in self.folder.glob("*.json") if _FILE_NAME.fullmatch(path.name)]
        return sum(_key_of(path) != self.key for path in paths)

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint atomically."""
        with atomic_path(self._path(name)) as temporary:
            text = json.dumps({"key": self.key, **_to_json(checkpoint)})
            temporary.write_text(text, encoding="utf-8")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.replace('/', '_').replace(' ', '_')}.json"


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a folder, and the folder if it is then empty."""
    with suppress(OSError):
        for path in folder.iterdir():
            if _FILE_NAME.fullmatch(path.name) or _FILE_NAME.fullmatch(target_name(path)):
                path.unlink()
        folder.rmdir()


def fingerprint_of(settings: Mapping[str, Any], *arrays: Any) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of settings and arrays."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for array in arrays:
        values = np.ascontiguousarray(array)
        digest.update(str((values.shape, values.dtype.str)).encode())
        digest.update(values.tobytes())
    return digest.hexdigest()[:16]


def _key_of(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["key"])
    except (ValueError, KeyError, TypeError):
        return ""  # truncated


def _to_json(checkpoint: Checkpoint) -> dict[str, Any]:
    table = checkpoint.probabilities
    return {
        "rows": [asdict(row) for row in checkpoint.rows],
        "ensemble": [settings.as_dict() for settings in checkpoint.ensemble],
        "probabilities": None if table is None else table.tolist(),
        "importances": [asdict(importance) for importance in checkpoint.importances],
        "seconds": dict(checkpoint.seconds),
    }


def _from_json(tree: Mapping[str, Any]) -> Checkpoint:
    table = tree["probabilities"]
    return Checkpoint(
        [ScoreRow(**row) for row in tree["rows"]],
        [Settings(**settings) for settings in tree["ensemble"]],
        None if table is None else np.array(table, dtype=np.float64),
        [Importance(**importance) for importance in tree["importances"]],
        tree["seconds"],
    )
