"""Work folder of an unfinished run: ``F.parquet.work`` beside ``F.parquet``.

=======================  ===========================================================
``galfeat-work-folder``  the mark: this package made the folder, and may delete in it
``lock``                 held while a run is on (`lock`)
``work.json``            manifest: settings and catalog of the run (`manifest`)
``journal``              shards in flight (`journal`)
``shards/``              results of finished shards, by key (`shard_files`)
``*.part``               temporary files, of the table too, until they are renamed
=======================  ===========================================================

The folder is open to its owner only. Whatever bears its name without the mark is neither read nor
changed, unless it is an empty folder of this user; of what lies in a marked folder only the files
above are deleted.
"""

import errno
import logging
import os
import re
import secrets
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from galfeat import UsageError
from galfeat._atomic_files import PART
from galfeat.pipeline.batch.disk_errors import explain_disk_errors
from galfeat.pipeline.batch.work_folder.directory import Directory
from galfeat.pipeline.batch.work_folder.lock import holder, sign, try_lock

__all__ = ["WorkFolder", "check_mark", "hold_work_folder", "work_folder_path"]

_LOG = logging.getLogger("galfeat")
_SUFFIX = ".work"
_MARK = "galfeat-work-folder"
_FIRST_LINE = b"Work folder of an unfinished run of galfeat\n"
_LOCK, _SHARDS = "lock", "shards"
_TEMPORARY = re.compile(r".+" + re.escape(PART))
_OWN_FILES = re.compile(rf"work\.json|journal|{_TEMPORARY.pattern}")
_SHARD_FOLDER = re.compile(r"[0-9a-f]{2}")
_SHARD_FILES = re.compile(rf"[0-9a-f]{{32}}\.parquet|{_TEMPORARY.pattern}")
_TIMEOUT = 3.0  # seconds; a killed run may hold its lock for a moment
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class WorkFolder:
    """Work folder that this process holds open and has locked; see `hold_work_folder`.

    Parameters
    ----------
    directory : Directory

    Attributes
    ----------
    path : Path
    mark : bytes
        Content of its mark, which no other work folder has.
    """

    def __init__(self, directory: Directory, mark: bytes) -> None:
        self._directory, self.path, self.mark = directory, directory.path, mark

    @property
    def manifest(self) -> Path:
        """Settings and catalog of the run."""
        return self.path / "work.json"

    @property
    def journal(self) -> Path:
        """The shards in flight."""
        return self.path / "journal"

    @property
    def shards(self) -> Path:
        """The folder of finished shards."""
        return self.path / _SHARDS

    def make_shards(self) -> None:
        """Make the folder of finished shards."""
        with explain_disk_errors(self.path):
            self.shards.mkdir(mode=0o700, exist_ok=True)

    def has_shards(self) -> bool:
        """Return whether any shard is finished."""
        return any(self.shards.rglob("*.parquet"))

    def clear(self) -> None:
        """Delete all files of the run but the lock file.

        Raises
        ------
        UsageError
            If the system refuses.
        """
        with explain_disk_errors(self.path):
            _delete(self._directory, _OWN_FILES)
            for folder in _shard_folders(self._directory):
                _delete(folder, _SHARD_FILES)

    def remove_temporary_files(self) -> None:
        """Delete the temporary files of a run that was killed."""
        _delete(self._directory, _TEMPORARY)
        for folder in _shard_folders(self._directory):
            _delete(folder, _TEMPORARY)

    def check_in_place(self) -> None:
        """Check that nobody has put another folder in its place.

        Raises
        ------
        UsageError
            Otherwise.
        """
        if not self._directory.is_in_place():
            raise UsageError(
                f"{self.path} was moved or replaced while the run was on, so the run stops; put "
                "it back, and give the same command again"
            )

    def remove(self) -> None:
        """Delete the folder, its mark last; keep what is not of a run."""
        with suppress(OSError, UsageError):
            self.clear()
            _remove_empty_folders(self._directory)
            left = [name for name in self._directory.names() if name not in (_LOCK, _MARK)]
            if left:
                _LOG.warning(
                    "%s is kept: it contains %s, which no run made", self.path, ", ".join(left[:3])
                )
                return
            self._directory.unlink(_LOCK)
            self._directory.unlink(_MARK)
            if self._directory.is_in_place():
                self.path.rmdir()


def work_folder_path(out: Path) -> Path:
    """Return the work folder of an output: ``F.parquet.work`` for ``F.parquet``."""
    return out.with_name(out.name + _SUFFIX)


@contextmanager
def hold_work_folder(out: Path) -> Iterator[WorkFolder]:
    """Make or open the work folder of an output, and hold its lock during the block.

    Parameters
    ----------
    out : Path
        The output of the run.

    Yields
    ------
    WorkFolder
        Which may be deleted in the block.

    Raises
    ------
    UsageError
        If something else bears its name, it is not this user's alone, the system refuses to make
        it, or another run holds the lock: on this machine or, on file systems that forward locks,
        on another one.
    """
    with explain_disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    folder, handle = _acquire(work_folder_path(out), out)
    try:
        sign(handle)
        yield folder
    finally:
        os.close(handle)  # releases the lock
        folder._directory.close()


def check_mark(folder: Path, mark: bytes) -> None:
    """Check that a work folder, as another machine sees it, is the one of a run.

    Raises
    ------
    FileNotFoundError
        Otherwise.
    """
    try:
        found = (folder / _MARK).read_bytes()
    except OSError:
        found = b""
    if found != mark:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _acquire(path: Path, out: Path) -> tuple[WorkFolder, int]:
    """Open and lock the work folder; begin anew if the run before deletes it meanwhile."""
    until = time.monotonic() + _TIMEOUT
    while True:
        with ExitStack() as opened:
            with explain_disk_errors(path):
                directory = opened.enter_context(_open_or_make(path))
                handle = directory.open_file(_LOCK, os.O_RDWR | os.O_CREAT)
                opened.callback(os.close, handle)
            if try_lock(handle):
                if _is_current(path / _LOCK, handle) and directory.is_in_place():
                    with explain_disk_errors(path):
                        mark = _read_mark(directory, locked=True) or _write_mark(directory)
                    opened.pop_all()
                    return WorkFolder(directory, mark), handle
            elif time.monotonic() > until:
                raise UsageError(
                    f"another run is making {out} now ({holder(handle)}); wait for its end, or "
                    "name another file"
                )
        time.sleep(0.05)


def _open_or_make(path: Path) -> Directory:
    """Open the folder if it is a run's; make it if it is missing, take it if it is empty."""
    while True:
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        reason = _why_unusable(path)
        if reason:
            raise UsageError(f"{path} {reason}")
        try:
            directory = Directory(path)
        except FileNotFoundError:  # deleted by the run before, at this moment
            continue
        try:
            # once more: what was opened, not what bore the name
            reason = _why_not_ours(path, directory.status())
            if reason:
                raise UsageError(f"{path} {reason}")
            if not directory.names():
                # a run that is killed now leaves a mark without content, which the next one fills
                directory.close_to_others()
                os.close(directory.open_file(_MARK, os.O_WRONLY | os.O_CREAT))
            _read_mark(directory)
        except BaseException:
            directory.close()
            raise
        return directory


def _read_mark(directory: Directory, locked: bool = False) -> bytes:
    """Return the content of the mark; empty if it has none yet.

    Raises
    ------
    UsageError
        If the folder has contents without a mark, or something else bears its name.
    """
    mark, marked = b"", directory.is_file(_MARK)
    if marked:
        with os.fdopen(directory.open_file(_MARK, os.O_RDONLY), "rb") as file:
            mark = file.read(200)
        if mark.startswith(_FIRST_LINE):
            return mark
    # A mark without content: a run was killed when it began. None, but a lock of this run: the run
    # before has just deleted the folder as far as it could.
    names = set(directory.names())
    begun = names <= {_MARK, _LOCK} and (marked or locked or not names) and not mark
    if not begun or (not marked and _MARK in names):
        raise UsageError(
            f"{directory.path} is no work folder of a run: it contains other things, or is of an "
            "earlier version of galfeat. Nothing in it was changed; look into it, move it away or "
            "delete it, and give the command again"
        )
    return mark


def _write_mark(directory: Directory) -> bytes:
    mark = _FIRST_LINE + secrets.token_hex(16).encode() + b"\n"
    handle = directory.open_file(_MARK, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(handle, "wb") as file:
        file.write(mark)
        file.flush()
        os.fsync(file.fileno())
    return mark


def _why_unusable(path: Path) -> str:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ""
    if stat.S_ISLNK(found.st_mode):
        return (
            "is a link, and a run deletes what it makes in its work folder: remove the link, or "
            "name another output"
        )
    if not stat.S_ISDIR(found.st_mode):
        return (
            "is no folder, and the run needs this name for its work folder: move it away, or name "
            "another output"
        )
    return _why_not_ours(path, found)


def _why_not_ours(path: Path, found: os.stat_result) -> str:
    """Return why a folder cannot be trusted; empty if it is this user's, and closed to others."""
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return (
            f"belongs to another user (number {found.st_uid}), so nothing in it is read or "
            "deleted: have it removed, or name another output"
        )
    if found.st_mode & _WRITABLE_BY_OTHERS and _keeps_modes(path.parent):
        return (
            f"can be written by other users (mode {stat.S_IMODE(found.st_mode):o}), so nothing in "
            "it is read or deleted: look into it, move it away or delete it, and give the command "
            "again"
        )
    return ""


def _keeps_modes(folder: Path) -> bool:
    """Return whether files there have modes of their own: on some disks others write to all."""
    if not hasattr(os, "geteuid"):  # Windows
        return False
    with tempfile.TemporaryDirectory(prefix=".galfeat-", dir=folder) as probe:
        return not Path(probe).stat().st_mode & _WRITABLE_BY_OTHERS


def _is_current(path: Path, handle: int) -> bool:
    """Return whether the locked file still has that name: its holder may have deleted it."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except OSError:
        return False


def _delete(directory: Directory, names: re.Pattern[str]) -> None:
    for name in directory.names():
        if names.fullmatch(name) and directory.is_file(name):
            directory.unlink(name)


def _shard_folders(directory: Directory) -> Iterator[Directory]:
    """Yield ``shards``, and then the folders in it, open."""
    with ExitStack() as opened:
        try:
            shards = opened.enter_context(directory.open_directory(_SHARDS))
        except (FileNotFoundError, NotADirectoryError):
            return
        yield shards
        for name in filter(_SHARD_FOLDER.fullmatch, shards.names()):
            try:
                folder = shards.open_directory(name)
            except NotADirectoryError:
                continue
            with folder:
                yield folder


def _remove_empty_folders(directory: Directory) -> None:
    with suppress(OSError):
        with directory.open_directory(_SHARDS) as shards:
            for name in shards.names():
                if _SHARD_FOLDER.fullmatch(name):
                    with suppress(OSError):
                        shards.rmdir(name)
        directory.rmdir(_SHARDS)
