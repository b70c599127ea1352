"""Finished parts of a comparison on disk, so that an interrupted one can go on with the same
numbers.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from galfeat._atomic_files import atomic_path, target_name
from galfeat.pipeline.comparison.classifiers.hyperparameters import Settings
from galfeat.pipeline.comparison.fold import Piece
from galfeat.pipeline.comparison.results import Importance, Row

__all__ = ["Pieces", "fingerprint_of"]

_NAMED = re.compile(r"\d+-\d+-.*\.json")  # repeat, fold and what it is a piece of


class Pieces:
    """The pieces of one run in a folder.

    Parameters
    ----------
    folder : Path
    key : str
        Fingerprint of galaxies, settings and seed: a piece of another run is not taken.
    resume : bool
        Whether pieces that are there already may be taken.

    Attributes
    ----------
    taken : int
        How many were.
    """

    def __init__(self, folder: Path, key: str, *, resume: bool) -> None:
        self.folder, self.key, self.resume, self.taken = folder, key, resume, 0

    def find(self, name: str) -> Piece | None:
        """Return a finished piece of this run, or None."""
        path = self._path(name)
        if not self.resume or not path.is_file():
            return None
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            piece = _piece(tree) if tree["key"] == self.key else None
        except (ValueError, KeyError, TypeError):
            return None  # cut off while it was written, or of another version: done again
        self.taken += piece is not None
        return piece

    def of_other_runs(self) -> int:
        """Return how many of the pieces that are there are not of this run, and will be
        replaced.
        """
        there = [path for path in self.folder.glob("*.json") if _NAMED.fullmatch(path.name)]
        return sum(_key_of(path) != self.key for path in there)

    def keep(self, name: str, piece: Piece) -> None:
        """Write a finished piece."""
        with atomic_path(self._path(name)) as temporary:
            temporary.write_text(json.dumps({"key": self.key, **_tree(piece)}), encoding="utf-8")

    def clear(self) -> None:
        """Remove all pieces: the study is written.

        What else is in the folder stays, and then the folder.
        """
        with suppress(OSError):
            for path in self.folder.iterdir():
                if _NAMED.fullmatch(path.name) or _NAMED.fullmatch(target_name(path)):
                    path.unlink()
            self.folder.rmdir()

    def _path(self, name: str) -> Path:
        return self.folder / f"{name.replace('/', '_').replace(' ', '_')}.json"


def fingerprint_of(settings: Mapping[str, Any], *arrays: Any) -> str:
    """Return 16 hexadecimal digits that stand for settings and data."""
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
        return ""  # cut off while it was written


def _tree(piece: Piece) -> dict[str, Any]:
    return {
        "rows": [asdict(row) for row in piece.rows],
        "committee": [each.as_dict() for each in piece.committee],
        "probabilities": None if piece.probabilities is None else piece.probabilities.tolist(),
        "importances": [asdict(each) for each in piece.importances],
        "seconds": dict(piece.seconds),
    }


def _piece(tree: Mapping[str, Any]) -> Piece:
    return Piece(
        [Row(**row) for row in tree["rows"]],
        [Settings(**each) for each in tree["committee"]],
        None
        if tree["probabilities"] is None
        else np.array(tree["probabilities"], dtype=np.float64),
        [Importance(**each) for each in tree["importances"]],
        tree["seconds"],
    )
