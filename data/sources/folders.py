"""Folders of cutouts without a catalog: their files of galaxies, and the galaxies' names."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from galfeat.data.fits.selectors import split_selectors
from galfeat.data.sources.sidecars.names import flag_ancillary_files
from galfeat.data.sources.unread_files import suffix_of

__all__ = ["FolderFiles", "is_fits", "is_picture", "list_cutouts", "names_of", "without_suffix"]

_FITS = (".fits", ".fit", ".fts")
_FITS_ENDINGS = tuple(
    f"{suffix}{compression}" for suffix in _FITS for compression in ("", ".gz", ".fz", ".bz2")
)
_PICTURES = (".jpg", ".jpeg", ".png")
_SUFFIX = re.compile(r"(\.(fits|fit|fts)(\.gz|\.fz|\.bz2)?|\.jpe?g|\.png)$", re.IGNORECASE)


def is_fits(file: str) -> bool:
    """Return whether a file is a FITS file by its name, compressed or not.

    Brackets behind it choose an image of it: ``a.fits[SCI]``.
    """
    return file.lower().endswith(_FITS_ENDINGS) or (
        "]" in file and split_selectors(file)[0].lower().endswith(_FITS_ENDINGS)
    )


def is_picture(file: str) -> bool:
    """Return whether a file is a JPEG or PNG picture by its name."""
    return file.lower().endswith(_PICTURES)


def without_suffix(file: str) -> str:
    """Return a file name without its suffixes: ``a/ngc1300`` for ``a/ngc1300.fits.gz``."""
    if file.endswith(".fits"):  # nearly all files
        return file[: -len(".fits")]
    path, chosen = split_selectors(file)
    return _SUFFIX.sub("", path) + (f"[{chosen}]" if chosen else "")


class FolderFiles(NamedTuple):
    r"""The files in a folder and its subfolders; hidden folders are skipped.

    Parameters
    ----------
    galaxies : list of str
        Sorted paths relative to the folder, separated by ``/``. In a name that is not UTF-8 the
        other bytes are escaped (``\xff``): the file cannot be read, and is a failure when it is.
    sidecars : tuple of str
        Noise maps, PSFs, masks and the like, recognized by their names beside a galaxy of the same
        folder.
    others : Counter of str
        Number of files by suffix that are not read, hidden FITS files and pictures among them.
    """

    galaxies: list[str]
    sidecars: tuple[str, ...]
    others: Counter[str]


def list_cutouts(folder: Path) -> FolderFiles:
    """List the FITS files and pictures in a folder and its subfolders, and count other files."""
    galaxies: list[str] = []
    sidecars: list[str] = []
    others: Counter[str] = Counter()
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(where).relative_to(folder).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        readable = [name for name in files if is_fits(name) or is_picture(name)]
        names = [name for name in readable if not name.startswith(".")]
        if len(names) < len(files):
            hidden = [name for name in readable if name.startswith(".")]
            unread = [name for name in set(files).difference(readable) if not name.startswith(".")]
            others.update(map(suffix_of, [*hidden, *unread]))
        ancillary = flag_ancillary_files([without_suffix(name) for name in names])
        for name, is_sidecar in zip(names, ancillary, strict=True):
            (sidecars if is_sidecar else galaxies).append(_as_text(prefix + name))
    return FolderFiles(sorted(galaxies), tuple(sorted(sidecars)), others)


def _as_text(name: str) -> str:
    """Return a name as valid UTF-8: other bytes are escaped, and no file has that name."""
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def names_of(files: list[str]) -> list[str]:
    """Name galaxies by their files: without the suffix, unless two files would share a name."""
    stems = [without_suffix(file) for file in files]
    # a file that is listed twice counts once
    count = Counter(dict(zip(files, stems, strict=True)).values())
    return [file if count[stem] > 1 else stem for file, stem in zip(files, stems, strict=True)]
