"""Folders that other users cannot write to, so that what lies in them may be trusted."""

import os
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

__all__ = ["untrusted_because"]

_OTHERS, _GROUP = stat.S_IWOTH, stat.S_IWGRP


@cache
def untrusted_because(folder: Path) -> str:
    """Return why another user could have put files into a folder; empty if none could.

    The folder and its files must belong to this user or to root, and no other user may write to
    them or to a folder above (except where the sticky bit keeps entries for their owners, as in
    ``/tmp``). Group members count as others, unless the group is this user's own. Where the system
    has no owners, every folder is trusted.

    Examples
    --------
    >>> untrusted_because(Path("/"))
    ''
    """
    if not hasattr(os, "geteuid"):
        return ""
    real = folder.resolve()
    above = dict.fromkeys((*folder.absolute().parents, *real.parents))
    try:
        for path in above:
            found = path.lstat()
            if not found.st_mode & stat.S_ISVTX and _others_write(found):
                return f"others can write to {path}"
        if _is_foreign(real.stat()):
            return f"{folder} belongs to, or can be written by, another user"
        with os.scandir(real) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # a temporary file of another process
                    if _is_foreign(entry.stat(follow_symlinks=False)):
                        return f"{entry.path} belongs to, or can be written by, another user"
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror or error}"
    return ""


def _is_foreign(found: os.stat_result) -> bool:
    return found.st_uid not in (0, os.geteuid()) or _others_write(found)


def _others_write(found: os.stat_result) -> bool:
    if stat.S_ISLNK(found.st_mode):
        return False  # its target is what counts
    mode = found.st_mode
    return bool(mode & _OTHERS or (mode & _GROUP and not _group_is_private(found.st_gid)))


@cache
def _group_is_private(group: int) -> bool:
    """Return whether a group has this user's name and no other member, as many systems set up."""
    try:
        import grp
        import pwd

        user = pwd.getpwuid(os.geteuid()).pw_name
        found = grp.getgrgid(group)
    except (ImportError, KeyError):
        return False
    return found.gr_name == user and set(found.gr_mem) <= {user}
