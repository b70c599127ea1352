"""Folders of cutouts without a catalog: their files of galaxies, and the galaxies' names."""

import os
import re
from collections import Counter
from pathlib import Path

from galfeat.data.fits.selectors import split_selectors
from galfeat.data.sources.ancillary_files import flag_ancillary_files

__all__ = ["is_fits", "is_picture", "list_cutouts", "names_of", "without_suffix"]

_FITS = (".fits", ".fit", ".fts")
_FITS_ENDINGS = tuple(
    f"{suffix}{compression}" for suffix in _FITS for compression in ("", ".gz", ".fz")
)
_PICTURES = (".jpg", ".jpeg", ".png")
_SUFFIX = re.compile(r"(\.(fits|fit|fts)(\.gz|\.fz)?|\.jpe?g|\.png)$", re.IGNORECASE)


def is_fits(file: str) -> bool:
    """Return whether a file is a FITS file by its name, compressed or not.

    Brackets behind it choose an image of it: ``a.fits[SCI]``.
    """
    return split_selectors(file)[0].lower().endswith(_FITS_ENDINGS)


def is_picture(file: str) -> bool:
    """Return whether a file is a JPEG or PNG picture by its name."""
    return file.lower().endswith(_PICTURES)


def without_suffix(file: str) -> str:
    """Return a file name without its suffixes: ``a/ngc1300`` for ``a/ngc1300.fits.gz``."""
    path, chosen = split_selectors(file)
    return _SUFFIX.sub("", path) + (f"[{chosen}]" if chosen else "")


def list_cutouts(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    r"""List the FITS files and pictures in a folder and its subfolders.

    Returns
    -------
    list of str
        Galaxies: sorted paths relative to `folder`, separated by ``/``. Hidden files and folders
        are skipped. In a name that is not UTF-8 the other bytes are escaped (``\xff``): the file
        cannot be read, and is a failure when it is.
    tuple of str
        Sidecar files: noise maps, PSFs, masks and the like, recognized by their names beside a
        galaxy of the same folder.
    """
    galaxies: list[str] = []
    left_out: list[str] = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = Path(where).relative_to(folder).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        names = [
            name
            for name in files
            if not name.startswith(".") and (is_fits(name) or is_picture(name))
        ]
        ancillary = flag_ancillary_files([without_suffix(name) for name in names])
        for name, is_sidecar in zip(names, ancillary, strict=True):
            (left_out if is_sidecar else galaxies).append(_as_text(prefix + name))
    return sorted(galaxies), tuple(sorted(left_out))


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
