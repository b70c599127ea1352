"""Files of a folder that are not read: which kinds there are, why, and what to do about it."""

from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["describe_unread", "explain_unread", "may_hold_galaxies", "suffix_of"]

_PACKED = {".xz": "unxz", ".z": "uncompress", ".zip": "unzip", ".lz4": "lz4 -d", ".zst": "unzstd"}
_IMAGES = (".tif", ".tiff", ".webp", ".gif", ".bmp", ".jp2", ".heic", ".avif", ".npy", ".npz")
_SETS = (".h5", ".hdf5", ".hdf", ".parquet", ".pq", ".tar", ".tgz", ".rar", ".7z")
_FITS = (".fits", ".fit", ".fts")
_PICTURES = (".jpg", ".jpeg", ".png")
_NO_SUFFIX = "without suffix"


def suffix_of(name: str) -> str:
    """Return the suffix of a file name in small letters, ``.fits.xz`` for packed FITS files."""
    stem, dot, last = name.lower().rpartition(".")
    if not dot or not stem:
        return _NO_SUFFIX
    before = stem.rpartition(".")[2]
    return f".{before}.{last}" if f".{before}" in _FITS else f".{last}"


def explain_unread(suffix: str) -> str:
    """Return why files of a suffix are not read, and what to do where they may be galaxies."""
    last = f".{suffix.rpartition('.')[2]}"
    if last in _PACKED:
        return f"not read: unpack with {_PACKED[last]}"
    if last == ".asdf":
        return "not read: save the image as FITS"
    if last in _IMAGES:
        return "not read: convert to FITS or PNG"
    if last in _SETS:
        return "read only by itself, as SOURCE" if last in _SETS[:5] else "not read: unpack it"
    if last in (*_FITS, *_PICTURES):
        return "hidden: its name begins with a dot"
    return "no image"


def may_hold_galaxies(suffix: str) -> bool:
    """Return whether unread files of this suffix may be images of galaxies."""
    return explain_unread(suffix) != "no image"


def describe_unread(others: Mapping[str, int], sidecars: Iterable[str] = ()) -> str:
    """Return counts of unread files by suffix and reason; empty if there are none.

    Parameters
    ----------
    others : mapping of str to int
        Number of unread files by suffix.
    sidecars : iterable of str
        Files that accompany galaxies.
    """
    counted = [
        f"{count:,} {suffix} ({explain_unread(suffix)})"
        for suffix, count in sorted(
            others.items(), key=lambda item: (not may_hold_galaxies(item[0]), -item[1], item[0])
        )
    ]
    beside = Counter(suffix_of(name) for name in sidecars)
    counted += [
        f"{count:,} {suffix} (no galaxies of their own: noise maps, masks, PSFs and the like)"
        for suffix, count in sorted(beside.items())
    ]
    return ", ".join(counted)
