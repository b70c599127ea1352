"""Model files: JSON and arrays, whole or not at all, and nothing in them runs."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from galfeat import UsageError
from galfeat.pipeline.archive import read_archive, write_archive


def test_a_tree_comes_back_as_it_went(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "name": "test",
        "nested": {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "none": None, "list": [1, 2.5, "x"]},
        "arrays": [np.array(["spiral", "clump"]), np.array([], dtype=np.int64)],
    }
    write_archive(tmp_path / "m.galfeat", tree)
    back = read_archive(tmp_path / "m.galfeat")
    assert back["nested"]["list"] == [1, 2.5, "x"]
    assert back["nested"]["none"] is None
    np.testing.assert_array_equal(back["nested"]["weights"], tree["nested"]["weights"])
    assert back["nested"]["weights"].dtype == np.float32
    assert back["arrays"][0].tolist() == ["spiral", "clump"]
    assert back["arrays"][1].shape == (0,)


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_archive(tmp_path / name, {"weights": np.ones(5), "seed": 3})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_archive(tmp_path / "m", {"weights": np.array([object()])})
    assert list(tmp_path.iterdir()) == []


class Bomb:
    """Unpickled, it would touch a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def test_a_pickle_in_the_file_is_not_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(touched)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        archive.writestr("model.json", json.dumps({"weights": {"array": "0.npy"}}))
        archive.writestr("0.npy", buffer.getvalue())
    with pytest.raises(UsageError, match="no galfeat model"):
        read_archive(tmp_path / "m")
    assert not touched.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip file", pickle.dumps({"a": 1}), b"PK\x03\x04 and then nothing"],
    ids=["empty", "text", "pickle", "truncated"],
)
def test_what_is_no_model_is_said_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.galfeat"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"m\.galfeat is no galfeat model"):
        read_archive(path)


def test_damage_anywhere_is_a_usage_error_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write_archive(path, {"weights": np.arange(50.0), "name": "x" * 200})
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(damaged))
        try:
            read_archive(path)
        except UsageError:
            continue


def test_a_missing_array_is_named_as_damage(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m", "w") as archive:
        archive.writestr("model.json", json.dumps({"weights": {"array": "7.npy"}}))
    with pytest.raises(UsageError, match=r"7\.npy"):
        read_archive(tmp_path / "m")


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_archive(tmp_path / "absent")
