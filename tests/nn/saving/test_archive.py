"""File format: round trips, and refusal of damaged, modified and hostile files."""

import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from galfeat import UsageError
from galfeat.nn.saving.archive import FORMAT, pack, read_file, unpack, write_file

TREE: dict[str, Any] = {
    "name": "test",
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "more": {"words": np.array(["a", "bc"])},
}


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def signed(tree: Any, arrays: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return a file whose checksum is right, as a forger would write it."""
    monkeypatch.setattr("galfeat.nn.saving.archive._digest", lambda *_: "forged")
    return zipped(
        {
            "tree.json": json.dumps({"format": FORMAT, "sha256": "forged", "tree": tree}).encode(),
            **arrays,
        }
    )


def array_of(header: dict[str, Any], content: bytes = b"") -> bytes:
    file = io.BytesIO()
    npy.write_array_header_1_0(file, header)
    return file.getvalue() + content


def test_a_tree_comes_back_as_it_went(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "nested": {
            "weights": np.arange(6, dtype=np.float32).reshape(2, 3).T,
            "none": None,
            "list": [1, 2.5, "x", True],
        },
        "arrays": [
            np.array(["spiral", "Zwicky's"]),
            np.array([], dtype=np.int64),
            np.array(2.5),
            np.array([True, False]),
        ],
        "number": np.float64(0.1),
    }
    write_file(tmp_path / "m", tree)
    back = read_file(tmp_path / "m")
    assert back["nested"]["list"] == [1, 2.5, "x", True]
    assert back["nested"]["none"] is None
    assert back["number"] == 0.1
    for read, written in zip(
        [back["nested"]["weights"], *back["arrays"]],
        [tree["nested"]["weights"], *tree["arrays"]],
        strict=True,
    ):
        np.testing.assert_array_equal(read, written)
        assert read.dtype == written.dtype
        assert read.shape == written.shape
        assert read.flags.writeable
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_the_same_tree_gives_the_same_bytes() -> None:
    assert pack({"seed": 3, "weights": np.ones(5)}) == pack({"weights": np.ones(5), "seed": 3})


@pytest.mark.parametrize(
    "bad",
    [
        np.array([object()]),
        np.array([1j]),
        np.zeros(2, dtype="i4,f4"),
        {1, 2},
        float("nan"),
        {"array": "x"},
    ],
)
def test_unreadable_content_is_not_written(tmp_path: Path, bad: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        write_file(tmp_path / "m", {"weights": bad})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*absent"):
        write_file(tmp_path / "absent" / "m", TREE)
    with pytest.raises(UsageError, match="No such file"):
        read_file(tmp_path / "m")
    with pytest.raises(UsageError, match="not a regular file"):
        read_file(tmp_path)


class Bomb:
    """Unpickled, it would touch a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def test_a_pickle_in_the_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = tmp_path / "touched"
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(touched)], dtype=object), allow_pickle=True)
    data = signed({"weights": {"array": "0.npy"}}, {"0.npy": buffer.getvalue()}, monkeypatch)
    with pytest.raises(UsageError, match=r"0\.npy holds neither numbers nor text"):
        unpack(data)
    with pytest.raises(UsageError, match="not a galfeat file"):
        unpack(pickle.dumps(Bomb(touched)))
    assert not touched.exists()


def header(descr: str, shape: Any, fortran: bool = False) -> dict[str, Any]:
    return {"descr": descr, "fortran_order": fortran, "shape": shape}


@pytest.mark.parametrize(
    ("head", "size", "message"),
    [
        (
            header("<f8", (10**13,)),
            64,
            r"claims the shape \(10000000000000,\) of float64, which its 64 bytes do not fill",
        ),
        (header("<f8", (1 << 62, 1 << 62)), 64, "claims the shape"),
        (header("<f8", (7,)), 64, "claims the shape"),
        (header("<f8", (-1,)), 64, "claims the shape"),
        (header("<f8", (-2, -4)), 64, "claims the shape"),
        (header("<U0", (10**13,)), 0, "neither numbers nor text"),
        (header("|V8", (8,)), 64, "neither numbers nor text"),
        (header("<m8[s]", (8,)), 64, "neither numbers nor text"),
        (header("|O", (8,)), 64, "neither numbers nor text"),
        (header("<f8", (8, 1), fortran=True), 64, "in Fortran order"),
        (header("<f8", ("8",)), 64, "not a galfeat file"),
        (header("os.system", (8,)), 64, "not a galfeat file"),
    ],
)
def test_an_array_with_a_false_header_is_refused_before_it_is_created(
    head: dict[str, Any], size: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = signed(
        {"weights": {"array": "0.npy"}}, {"0.npy": array_of(head, bytes(size))}, monkeypatch
    )
    tracemalloc.start()
    with pytest.raises(UsageError, match=message):
        unpack(data)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_a_zip_bomb_is_not_unpacked() -> None:
    data = zipped({"tree.json": b" " * 30_000_000}, zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    tracemalloc.start()
    with pytest.raises(UsageError, match="compressed"):
        unpack(data)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_members_that_share_their_bytes_are_not_multiplied() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("tree.json", b"{}")
        archive.writestr("0.npy", bytes(100_000))
        first = archive.getinfo("0.npy")
        for number in range(1, 1000):
            again = zipfile.ZipInfo(f"{number}.npy")
            again.CRC, again.file_size, again.compress_size, again.header_offset = (
                first.CRC,
                100_000,
                100_000,
                first.header_offset,
            )
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive._didModify = True  # type: ignore[attr-defined]
    tracemalloc.start()
    with pytest.raises(UsageError, match="larger than the file itself"):
        unpack(file.getvalue())
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def _edit(old: bytes, new: bytes) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def edited(parts: dict[str, bytes]) -> dict[str, bytes]:
        assert old in parts["tree.json"]
        return parts | {"tree.json": parts["tree.json"].replace(old, new)}

    return edited


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_edit(b'"test"', b'"tost"'), "changed after it was written"),
        (
            lambda parts: parts | {"0.npy": parts["0.npy"][:-1] + b"\1"},
            "changed after it was written",
        ),
        (lambda parts: parts | {"2.npy": parts["0.npy"]}, "changed after it was written"),
        (
            lambda parts: {name: data for name, data in parts.items() if name != "1.npy"},
            "changed after it was written",
        ),
        (
            _edit(b"galfeat file 1", b"galfeat file 2"),
            "its format is 'galfeat file 2'; this version reads 'galfeat file 1'",
        ),
        (_edit(b'"test"', b"NaN"), "hold NaN"),
        (_edit(b'"test"', b"-Infinity"), "hold -Infinity"),
        (lambda parts: parts | {"tree.json": b"[" * 100_000}, "is not a galfeat file"),
        (lambda parts: parts | {"tree.json": b"[1]"}, "its format is None"),
        (lambda parts: parts | {"tree.json": b"9" * 10_000}, "is not a galfeat file"),
        (lambda parts: parts | {"tree.json": b"\xff\xfe\x00"}, "is not a galfeat file"),
        (lambda parts: {"0.npy": parts["0.npy"]}, r"no member 'tree\.json'"),
    ],
)
def test_a_modified_file_is_refused(
    change: Callable[[dict[str, bytes]], dict[str, bytes]], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        unpack(zipped(change(members(pack(TREE)))))


def test_settings_may_not_take_all_memory() -> None:
    with pytest.raises(UsageError, match="more than 16 MiB"):
        unpack(zipped({"tree.json": b" " * ((1 << 24) + 1)}))


def test_a_reformatted_tree_is_the_same_tree() -> None:
    parts = members(pack(TREE))
    parts["tree.json"] = json.dumps(json.loads(parts["tree.json"])).encode()
    assert unpack(zipped(parts))["name"] == "test"


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip file", b"PK\x03\x04 and then nothing", zipped({})],
    ids=["empty", "text", "zip", "bare"],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.galfeat"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"m\.galfeat is not a galfeat file") as caught:
        read_file(path)
    assert "\n" not in str(caught.value)


def test_every_truncated_file_is_refused() -> None:
    whole = pack(TREE)
    for length in range(len(whole)):
        with pytest.raises(UsageError, match="not a galfeat file"):
            unpack(whole[:length])


def test_damage_anywhere_is_found_or_harmless() -> None:
    whole, rng = pack(TREE), np.random.default_rng(0)
    refused = 0
    for _ in range(600):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= int(rng.integers(1, 256))
        try:
            back = unpack(bytes(damaged))
        except UsageError:
            refused += 1
        else:  # the zip format has fields that say nothing: clock, host
            assert back["name"] == "test"
            np.testing.assert_array_equal(back["weights"], TREE["weights"])
    assert refused > 300
