"""Folders that other users can write to are not trusted."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from galfeat import _private_folders
from galfeat._private_folders import untrusted_because


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget what was found out about folders."""
    for known in (untrusted_because, _private_folders._group_is_private):
        known.cache_clear()
    yield
    for known in (untrusted_because, _private_folders._group_is_private):
        known.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of this user, in another one, with a file."""
    inner = tmp_path / "above" / "inner"
    inner.mkdir(parents=True)
    for path in (inner.parent, inner):
        path.chmod(0o755)
    (inner / "file").touch()
    (inner / "file").chmod(0o644)
    return inner


def test_a_folder_of_ones_own_is_trusted(folder: Path) -> None:
    assert untrusted_because(folder) == ""


@pytest.mark.parametrize("which", ["inner", "file", "above"])
@pytest.mark.parametrize("mode", [0o777, 0o757])
def test_what_others_can_write_is_not(which: str, mode: int, folder: Path) -> None:
    path = {"inner": folder, "file": folder / "file", "above": folder.parent}[which]
    path.chmod(mode)
    assert str(path) in untrusted_because(folder)


def test_a_sticky_folder_above_is_trusted_but_not_as_the_folder(folder: Path) -> None:
    folder.parent.chmod(0o1777)
    assert untrusted_because(folder) == ""
    assert untrusted_because(folder.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")
@pytest.mark.parametrize("which", ["inner", "file"])
def test_what_belongs_to_another_user_is_not(which: str, folder: Path) -> None:
    os.chown(folder if which == "inner" else folder / "file", 12345, -1)
    assert "another user" in untrusted_because(folder)


def test_a_link_counts_as_its_target(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert untrusted_because(tmp_path / "link") == ""
    untrusted_because.cache_clear()
    folder.parent.chmod(0o777)
    assert untrusted_because(tmp_path / "link")


@pytest.mark.parametrize(("private", "words"), [(True, ""), (False, "another user")])
def test_members_of_a_group_are_others_unless_it_is_the_users_own(
    private: bool, words: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_private_folders, "_group_is_private", lambda _: private)
    folder.chmod(0o775)
    assert words in untrusted_because(folder)
    assert bool(untrusted_because(folder)) == bool(words)


@pytest.mark.parametrize(
    ("name", "members", "private"),
    [("user", [], True), ("user", ["user"], True), ("astro", [], False), ("user", ["x"], False)],
)
def test_a_private_group(
    name: str, members: list[str], private: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import grp
    import pwd

    class Entry:
        pw_name, gr_name, gr_mem = "user", name, members

    monkeypatch.setattr(pwd, "getpwuid", lambda _: Entry)
    monkeypatch.setattr(grp, "getgrgid", lambda _: Entry)
    assert _private_folders._group_is_private(1) == private


def test_a_missing_folder_is_not_trusted(tmp_path: Path) -> None:
    assert "cannot be read" in untrusted_because(tmp_path / "none")
