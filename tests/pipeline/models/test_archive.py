"""Model files: whole or not at all, and whoever edits one by hand is told."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.pipeline.models.archive import read_archive, write_archive


def test_a_tree_comes_back_and_folders_are_made(tmp_path: Path) -> None:
    write_archive(tmp_path / "new" / "m.galfeat", {"hidden": [64], "weights": np.arange(3.0)})
    back = read_archive(tmp_path / "new" / "m.galfeat")
    assert back["hidden"] == [64]
    assert back["weights"].tolist() == [0, 1, 2]


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_archive(tmp_path / "m", {"weights": np.array([object()])})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("entry", "value"), [("hidden", [32]), ("seed", 1), ("format", 1)])
def test_an_entry_edited_by_hand_is_noticed(tmp_path: Path, entry: str, value: object) -> None:
    path = tmp_path / "m.galfeat"
    write_archive(path, {"format": 2, "hidden": [64], "seed": 0, "weights": np.arange(3.0)})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(parts["tree.json"])
    head["tree"][entry] = value
    parts["tree.json"] = json.dumps(head).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(UsageError, match=r"m\.galfeat .* changed after it was written"):
        read_archive(path)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_archive(tmp_path / "absent")
