"""A folder of cutouts without a catalogue: which files are galaxies, and what they are called."""

import os
import re
from collections import Counter
from pathlib import Path

from galfeat.data.fits.ancillary_names import flag_ancillary_files

__all__ = ["is_fits", "is_picture", "list_cutouts", "names_of", "without_suffix"]

_FITS = (".fits", ".fit", ".fts")
_FITS_ENDINGS = tuple(f"{suffix}{packed}" for suffix in _FITS for packed in ("", ".gz", ".fz"))
_PICTURES = (".jpg", ".jpeg", ".png")
_SUFFIX = re.compile(r"(\.(fits|fit|fts)(\.gz|\.fz)?|\.jpe?g|\.png)$", re.IGNORECASE)


def is_fits(file: str) -> bool:
    """Return whether a file is a FITS file by its name, packed or not."""
    return file.lower().endswith(_FITS_ENDINGS)


def is_picture(file: str) -> bool:
    """Return whether a file is a JPEG or PNG picture by its name."""
    return file.lower().endswith(_PICTURES)


def without_suffix(file: str) -> str:
    """Return the name without what says its format: ``a/ngc1300.fits.gz`` to ``a/ngc1300``."""
    return _SUFFIX.sub("", file)


def list_cutouts(folder: Path) -> tuple[list[str], tuple[str, ...]]:
    r"""List the FITS files and pictures in a folder and those in it.

    Returns
    -------
    list of str
        Galaxies: paths below `folder` with ``/`` between, in order. Hidden files and folders are
        passed over. Of a name that is not UTF-8 the odd bytes are spelled out (``\xff``): it cannot
        be read, which is the failure of that file alone.
    tuple of str
        Companions that are left out: noise maps, PSFs, masks and the like of a galaxy of the same
        folder, known by their names.
    """
    galaxies: list[str] = []
    left_out: list[str] = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        below = Path(where).relative_to(folder).as_posix()
        before = "" if below == "." else f"{below}/"
        here = [
            name
            for name in files
            if not name.startswith(".") and (is_fits(name) or is_picture(name))
        ]
        for name, companion in zip(
            here, flag_ancillary_files([without_suffix(name) for name in here]), strict=True
        ):
            (left_out if companion else galaxies).append(_as_text(before + name))
    return sorted(galaxies), tuple(sorted(left_out))


def _as_text(name: str) -> str:
    """Return a name that can stand in a table.

    Of one that is not UTF-8 the odd bytes are spelled out, and no file is found by that.
    """
    if name.isascii():
        return name
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def names_of(files: list[str]) -> list[str]:
    """Name galaxies by their files.

    The path without its suffix, or with it where two files would get the same name.
    """
    stems = [without_suffix(file) for file in files]
    # a file that stands there twice counts once
    count = Counter(dict(zip(files, stems, strict=True)).values())
    return [file if count[stem] > 1 else stem for file, stem in zip(files, stems, strict=True)]
