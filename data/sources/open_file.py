"""Opening of one file of a source: a FITS file, or a picture with the same interface."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from galfeat import CutoutError, UsageError
from galfeat.data.fits.ancillary.apply import AncillaryOptions, PixelPlanes
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import GalaxyImages, Layout
from galfeat.data.fits.selectors import Selector, format_selectors, parse_selectors, split_selectors
from galfeat.data.sources.folders import is_picture
from galfeat.data.sources.pictures import read_picture

__all__ = ["Picture", "file_exists", "leads_out", "open_file", "selectors_in"]

# as `galfeat.data.sources.folders` escapes bytes that are no UTF-8
_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")
_DEFAULTS = AncillaryOptions()


class Picture:
    """A JPEG or PNG picture with the interface of a FITS file."""

    def __init__(self, path: Path) -> None:
        self._pixels = read_picture(path)

    def galaxies(
        self,
        layout: Layout = "auto",  # noqa: ARG002 - a picture has one layout
        hdu: int | None = None,
        extension: tuple[Selector, ...] = (),
    ) -> list[GalaxyImages]:
        """Return its one galaxy."""
        if hdu or extension not in ((), (Selector("", 0),)):
            chosen = hdu or format_selectors(extension)
            raise CutoutError(f"has no extension {chosen}: it is a picture")
        return [GalaxyImages((0,))]

    def load(self, galaxy: GalaxyImages, ancillary: AncillaryOptions = _DEFAULTS) -> PixelPlanes:  # noqa: ARG002 - it has one galaxy and no ancillary data
        """Return its pixels."""
        return self._pixels


@contextmanager
def open_file(
    folder: Path,
    file: str,
    header_cache: HeaderCache,
    *,
    outside: bool = False,
    links: bool = True,
) -> Iterator[FitsFile | Picture]:
    """Open a file of a catalog, and close it afterwards.

    Parameters
    ----------
    folder : Path
        Folder that paths of the catalog are relative to.
    file : str
        Path in the catalog; what it chooses in brackets is the caller's business.
    header_cache : HeaderCache
    outside : bool
        Whether it may lie outside the folder.
    links : bool
        Whether a link may lead out of the folder.

    Raises
    ------
    CutoutError
        If there is no such file, it lies outside, or it cannot be read.
    """
    path = _resolve(folder, file, outside)
    if not (links or outside) and leads_out(folder, path, header_cache):
        raise CutoutError(
            "is a link that leads out of the catalog's folder: put the file there, or allow "
            "others (--allow-outside)"
        )
    if is_picture(file):
        yield Picture(path)
    else:
        with header_cache.open(path) as opened:
            yield opened


def leads_out(folder: Path, path: Path, header_cache: HeaderCache) -> bool:
    """Return whether a path below a folder leads out of it by a link.

    Folders are looked at once a source, files each time.
    """
    inside = header_cache.inside.get(path.parent)
    if inside is None:
        inside = header_cache.inside[path.parent] = _is_below(path.parent, folder)
    return not inside or (path.is_symlink() and not _is_below(path, folder))


def _is_below(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def file_exists(folder: Path, file: str, *, outside: bool = False) -> bool:
    """Return whether a file is named and exists."""
    return bool(file) and _resolve(folder, file, outside).exists()


def selectors_in(file: str) -> tuple[Selector, ...]:
    """Return the images that a path such as ``a.fits[SCI]`` chooses.

    Raises
    ------
    CutoutError
        If the brackets make no sense.
    """
    chosen = split_selectors(file)[1]
    try:
        return parse_selectors(chosen) if chosen else ()
    except UsageError as error:
        raise CutoutError(str(error)) from error


def _resolve(folder: Path, file: str, outside: bool) -> Path:
    if not file:
        raise CutoutError("there is no file in its row of the catalog")
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
    if normal.endswith("]") and not path.exists():
        path = folder / split_selectors(normal)[0]
    if _ESCAPED.search(file) and not path.exists():
        raise CutoutError(
            "its name is not UTF-8, so that it cannot be stored in a table: rename it"
        )
    return path
