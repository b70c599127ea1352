"""Opening of one file of a source: a FITS file, or a picture with the same interface."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from galfeat import CutoutError
from galfeat.data.fits.ancillary import AncillaryOptions, PixelPlanes
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import GalaxyImages, Layout
from galfeat.data.sources.folders import is_picture
from galfeat.data.sources.pictures import read_picture

__all__ = ["Picture", "file_exists", "open_file"]

# as `galfeat.data.sources.folders` escapes bytes that are no UTF-8
_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
_DEFAULTS = AncillaryOptions()


class Picture:
    """A JPEG or PNG picture with the interface of a FITS file."""

    def __init__(self, path: Path) -> None:
        self._pixels = read_picture(path)

    def galaxies(self, layout: Layout = "auto", hdu: int | None = None) -> list[GalaxyImages]:  # noqa: ARG002 - a picture has one layout
        """Return its one galaxy."""
        if hdu:
            raise CutoutError(f"has no extension {hdu}: it is a picture")
        return [GalaxyImages((0,))]

    def load(self, galaxy: GalaxyImages, ancillary: AncillaryOptions = _DEFAULTS) -> PixelPlanes:  # noqa: ARG002 - it has one galaxy and no ancillary data
        """Return its pixels."""
        return self._pixels


@contextmanager
def open_file(
    folder: Path, file: str, header_cache: HeaderCache, *, outside: bool = False
) -> Iterator[FitsFile | Picture]:
    """Open a file of a catalog, and close it afterwards.

    Parameters
    ----------
    folder : Path
        Folder that paths of the catalog are relative to.
    file : str
        Path in the catalog.
    header_cache : HeaderCache
    outside : bool
        Whether it may lie outside the folder.

    Raises
    ------
    CutoutError
        If there is no such file, it lies outside, or it cannot be read.
    """
    path = _resolve(folder, file, outside)
    if is_picture(file):
        yield Picture(path)
    else:
        with header_cache.open(path) as opened:
            yield opened


def file_exists(folder: Path, file: str, *, outside: bool = False) -> bool:
    """Return whether a file is named and exists."""
    return bool(file) and _resolve(folder, file, outside).exists()


def _resolve(folder: Path, file: str, outside: bool) -> Path:
    if not file:
        raise CutoutError("no file stands in the catalog")
    normal = os.path.normpath(file)
    absolute = any(kind(file).is_absolute() for kind in (PurePath, PurePosixPath, PureWindowsPath))
    if not outside and (absolute or PurePath(normal).parts[:1] == (os.pardir,)):
        raise CutoutError(
            "lies outside the catalog's folder: write paths that stay inside it, or allow "
            "others (--allow-outside)"
        )
    if "\0" in file:
        raise CutoutError("there is no such file")
    path = folder / normal
    if _ESCAPED.search(file) and not path.exists():
        raise CutoutError("its name is not UTF-8, so that it can stand in no table: rename it")
    return path
