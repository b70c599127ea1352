"""Files are replaced atomically: complete or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from galfeat import UsageError
from galfeat._atomic_files import PART, AtomicFile, atomic_open, atomic_path, target_name


def test_what_was_written_takes_the_place(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "f.txt"
    with atomic_path(target) as part:
        part.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["f.txt"]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_written_changes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    target.write_text("old")
    with atomic_path(target):
        pass
    assert target.read_text() == "old"


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="cannot write"),
        atomic_path(tmp_path / "file" / "f.txt") as part,
    ):
        part.write_text("")
    # a folder where a file should be
    with pytest.raises(UsageError, match="cannot write"), atomic_path(tmp_path) as part:
        part.write_text("")


def test_an_open_file_replaces_its_target_only_if_the_block_succeeds(tmp_path: Path) -> None:
    target, folder = tmp_path / "f.bin", tmp_path / "work"
    target.write_bytes(b"old")
    folder.mkdir()
    with pytest.raises(RuntimeError), atomic_open(target, folder) as file:
        file.write(b"half")
        (temporary,) = folder.iterdir()
        assert target_name(temporary) == "f.bin"
        raise RuntimeError
    assert target.read_bytes() == b"old"
    assert not list(folder.iterdir())
    with atomic_open(target, folder) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"
    assert not list(tmp_path.rglob(f"*{PART}"))


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "f.bin"
    first, second = AtomicFile(target), AtomicFile(target)
    first.file.write(b"first")
    second.file.write(b"second")
    second.commit()
    first.commit()
    first.discard()  # does nothing after the commit
    assert target.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["f.bin"]


def _write_open(path: Path) -> None:
    with atomic_open(path) as file:
        file.write(b"data")


def _write_path(path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"data")


@pytest.mark.parametrize("write", [_write_open, _write_path])
def test_file_and_folder_are_flushed_around_the_rename(
    write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def flushed(handle: int) -> None:
        calls.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")  # noqa: PTH112
        fsync(handle)

    def renamed(source: Path, target: Path) -> None:
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    write(tmp_path / "f.bin")
    assert calls == ["file", "rename", "folder"]
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "f.bin").stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("name", ["f.bin", "f.part", "f.bin.0123456.part", "f.bin.0123ABCD.part"])
def test_only_temporary_names_have_a_target(name: str) -> None:
    assert target_name(Path(name)) == ""
