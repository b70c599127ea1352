"""Work folders: only what a run has made is read or deleted, and only its owner can write to it."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from galfeat import UsageError
from galfeat.pipeline import extract
from galfeat.pipeline.batch.options import Options
from galfeat.pipeline.batch.work_folder import folder as folders
from galfeat.pipeline.batch.work_folder.directory import Directory
from galfeat.pipeline.batch.work_folder.folder import hold_work_folder
from galfeat.pipeline.batch.work_folder.shard_files import write_result

MARK = "galfeat-work-folder"
OTHER_USER = 12345


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return all that lies in a folder, with the contents of files."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def link(work: Path) -> None:
    shutil.move(work, work.with_name("elsewhere"))
    work.symlink_to(work.with_name("elsewhere"))


def file(work: Path) -> None:
    shutil.rmtree(work)
    work.write_text("a file")


def foreign(work: Path) -> None:
    os.chown(work, OTHER_USER, OTHER_USER)


def writable(mode: int) -> Callable[[Path], None]:
    return lambda work: work.chmod(mode)


def unmarked(work: Path) -> None:
    (work / MARK).unlink()


def other_mark(work: Path) -> None:
    (work / MARK).write_text("my notes")


def empty_mark(work: Path) -> None:
    (work / MARK).write_bytes(b"")


def linked_mark(work: Path) -> None:
    (work / MARK).rename(work.with_name("mark"))
    (work / MARK).symlink_to(work.with_name("mark"))


def only_lock(work: Path) -> None:
    shutil.rmtree(work)
    work.mkdir(mode=0o700)
    (work / "lock").touch()


KINDS = {
    "a link": (link, "is a link"),
    "a file": (file, "is no folder"),
    "another user's": (foreign, "belongs to another user"),
    "writable by all": (writable(0o777), "can be written by other users"),
    "writable by a group": (writable(0o770), "can be written by other users"),
    "without the mark": (unmarked, "is no work folder of a run"),
    "with another mark": (other_mark, "is no work folder of a run"),
    "with an empty mark": (empty_mark, "is no work folder of a run"),
    "with a linked mark": (linked_mark, "is no work folder of a run"),
    "with a lock only": (only_lock, "is no work folder of a run"),
}


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """Return the output of an unfinished run, with a precious file in its work folder."""
    out = tmp_path / "F.parquet"
    with hold_work_folder(out) as folder:
        folder.make_shards()
        (folder.path / "work.json").write_text("{}")
        (folder.shards / "thesis.tex").write_text("chapter 1")
    return out


@pytest.mark.parametrize("restart", [False, True], ids=["go on", "restart"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_no_run_made_is_refused_and_left_as_it_is(
    kind: str, restart: bool, unfinished: Path, survey: Path, tmp_path: Path
) -> None:
    change, words = KINDS[kind]
    if change is foreign and os.geteuid():
        pytest.skip("only root can give a folder to another user")
    change(tmp_path / "F.parquet.work")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=words):
        extract(survey, unfinished, features=["color"], options=Options(restart=restart))
    assert tree(tmp_path) == before


def test_a_folder_of_another_identity_is_refused(
    unfinished: Path, survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: OTHER_USER)
    with pytest.raises(UsageError, match="belongs to another user"):
        extract(survey, unfinished, features=["color"])
    assert tree(tmp_path) == before


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_an_empty_folder_of_ones_own_is_taken_over(mode: int, survey: Path, tmp_path: Path) -> None:
    work = tmp_path / "F.parquet.work"
    work.mkdir()
    work.chmod(mode)
    with hold_work_folder(tmp_path / "F.parquet"):
        assert work.stat().st_mode & 0o777 == 0o700
    assert extract(survey, tmp_path / "F.parquet", features=["color"]).done == 90
    assert sorted(path.name for path in tmp_path.iterdir()) == ["F.failures.csv", "F.parquet"]


@pytest.mark.parametrize("mode", ["link", "writable", "foreign"])
def test_an_empty_folder_of_others_is_not(mode: str, survey: Path, tmp_path: Path) -> None:
    work = tmp_path / "F.parquet.work"
    (tmp_path / "empty").mkdir()
    if mode == "link":
        work.symlink_to("empty")
    else:
        work.mkdir()
        if mode == "writable":
            work.chmod(0o777)
        elif os.geteuid():
            pytest.skip("only root can give a folder to another user")
        else:
            foreign(work)
    with pytest.raises(UsageError, match=r"link|other users|another user"):
        extract(survey, tmp_path / "F.parquet", features=["color"])
    assert work.is_symlink() or work.is_dir()


def test_the_folder_is_for_its_owner_only_and_has_its_mark(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with hold_work_folder(tmp_path / "F.parquet") as folder:
            assert folder.path.stat().st_mode & 0o777 == 0o700
            assert (folder.path / MARK).read_bytes() == folder.mark
            assert (folder.path / "lock").stat().st_mode & 0o777 == 0o600
            folder.remove()
    finally:
        os.umask(before)
    assert list(tmp_path.iterdir()) == []


def test_only_files_of_a_run_are_deleted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    thesis = tmp_path / "thesis"
    (thesis / "ab").mkdir(parents=True)
    (thesis / "ab" / f"{'0' * 32}.parquet").write_text("text")
    with hold_work_folder(tmp_path / "F.parquet") as folder:
        folder.make_shards()
        own = [f"ab/{'0' * 32}.parquet", f"ab/{'0' * 32}.parquet.01234567.part"]
        kept = ["notes.txt", "ab/notes.txt", "ab/0.parquet", "notes/ab.part", "x.part/y.part"]
        for name in (*own, *kept):
            (folder.shards / name).parent.mkdir(exist_ok=True)
            (folder.shards / name).touch()
        for name in ("work.json", "journal", "F.parquet.01234567.part", "notes.txt"):
            (folder.path / name).touch()
        (folder.shards / "cd").symlink_to(thesis / "ab")
        (folder.path / "thesis.part").symlink_to(thesis)
        with caplog.at_level(logging.WARNING, "galfeat"):
            folder.remove()
        left = {path for path in tree(folder.path) if not (folder.path / path).is_dir()}
    assert left == {"lock", MARK, "notes.txt", *(f"shards/{name}" for name in kept)}
    assert tree(thesis) == {"ab": None, f"ab/{'0' * 32}.parquet": b"text"}
    assert "is kept: it contains notes.txt" in caplog.text


def test_a_link_in_place_of_the_shards_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "thesis" / "ab").mkdir(parents=True)
    chapter = tmp_path / "thesis" / "ab" / "chapter.part"
    chapter.touch()
    with hold_work_folder(tmp_path / "F.parquet") as folder:
        folder.shards.symlink_to(tmp_path / "thesis")
        folder.remove_temporary_files()
        folder.clear()
    assert chapter.exists()


def test_a_folder_that_is_replaced_meanwhile_is_not_touched(survey: Path, tmp_path: Path) -> None:
    out, thesis = tmp_path / "F.parquet", tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "work.json").write_text("text")

    def exchange(done: int, _total: int, _failed: int) -> None:
        if done == 90:
            (tmp_path / "F.parquet.work").rename(tmp_path / "away")
            (tmp_path / "F.parquet.work").symlink_to(thesis)

    with pytest.raises(UsageError, match=r"was moved or replaced|no space|cannot write"):
        extract(survey, out, features=["color"], progress=exchange)
    assert tree(thesis) == {"work.json": b"text"}
    assert not out.exists()


def test_a_worker_that_outlives_its_run_does_not_make_the_folder_again(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_result(tmp_path / "gone" / "shards" / "ab" / "x.parquet", [], pa.schema([]), [])
    assert list(tmp_path.iterdir()) == []


def test_two_runs_that_begin_at_once_do_not_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_TIMEOUT", 0.1)
    out = tmp_path / "F.parquet"
    is_current, entered = folders._is_current, []

    def late(path: Path, handle: int) -> bool:
        """Begin another run when the first has the lock and has not written the mark."""
        if not entered:
            entered.append((path.parent / MARK).read_bytes())
            with pytest.raises(UsageError, match="another run is making"), hold_work_folder(out):
                pass
        return is_current(path, handle)

    monkeypatch.setattr(folders, "_is_current", late)
    with hold_work_folder(out) as folder:
        assert entered == [b""]
        assert (folder.path / MARK).read_bytes() == folder.mark != b""
        folder.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("left", [[], [MARK], [MARK, "lock"]])
def test_what_a_run_leaves_that_is_killed_when_it_begins_is_taken(
    left: list[str], tmp_path: Path
) -> None:
    work = tmp_path / "F.parquet.work"
    work.mkdir(mode=0o700)
    for name in left:
        (work / name).touch()
    with hold_work_folder(tmp_path / "F.parquet") as folder:
        assert (work / MARK).read_bytes() == folder.mark != b""


@pytest.mark.parametrize("left", [[], ["lock"], [MARK, "lock"]])
def test_a_folder_that_the_run_before_is_deleting_is_made_again(
    left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_current, entered = folders._is_current, []

    def late(path: Path, handle: int) -> bool:
        """Delete what a run deletes at its end, up to some moment."""
        if not entered:
            entered.append(path)
            for name in {MARK, "lock"} - set(left):
                (path.parent / name).unlink()
            if not left:
                path.parent.rmdir()
        return is_current(path, handle)

    monkeypatch.setattr(folders, "_is_current", late)
    with hold_work_folder(tmp_path / "F.parquet") as folder:
        assert entered
        assert sorted(path.name for path in folder.path.iterdir()) == [MARK, "lock"]
        assert (folder.path / MARK).read_bytes() == folder.mark != b""


def test_on_a_disk_without_modes_the_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the drives of Windows under WSL, where every file can be written by all."""
    (tmp_path / "F.parquet.work").mkdir()
    (tmp_path / "F.parquet.work").chmod(0o777)
    monkeypatch.setattr(folders, "_keeps_modes", lambda _: False)
    with hold_work_folder(tmp_path / "F.parquet") as folder:
        folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_keeps_modes_is_known(tmp_path: Path) -> None:
    assert folders._keeps_modes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_stays_the_one_that_was_opened(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (second / "a").touch()
    with Directory(first) as opened:
        (first / "a").touch()
        assert opened.is_in_place()
        first.rename(tmp_path / "away")
        second.rename(first)
        assert not opened.is_in_place()
        opened.unlink("a")
        opened.unlink("a")
        assert opened.names() == []
    assert (first / "a").exists()
    (tmp_path / "link").symlink_to(first)
    with pytest.raises(OSError, match="link"):
        Directory(tmp_path / "link")
