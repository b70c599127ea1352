"""Choice of a file's images by hand: ``--extension SCI,2``, ``file.fits[SCI]``.

As in astropy and CFITSIO an image is chosen by its name, by its number (0 is the primary one), or
by name and version. In a list, a number that follows a name is its version: ``SCI,2`` is the second
SCI, ``SCI,ERR`` two images, and ``1,2`` the first two extensions.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from galfeat import CutoutError, UsageError
from galfeat.data.fits.layouts import ImageInfo

__all__ = ["Selector", "choose_images", "format_selectors", "parse_selectors", "split_selectors"]

_BRACKETS = re.compile(
    r"(?P<file>.*\.(?:fits|fit|fts)(?:\.gz|\.fz|\.bz2)?)\[(?P<names>[^\[\]]*)\]\s*", re.IGNORECASE
)
_NUMBER = re.compile(r"\+?\d{1,9}")


class Selector(NamedTuple):
    """One choice: an extension's number, or its name and perhaps its version.

    Parameters
    ----------
    name : str
        In capitals; empty where `number` counts.
    number : int or None
        Number of the extension, or version of the name (None: any).
    """

    name: str
    number: int | None = None


def parse_selectors(text: str | Sequence[str]) -> tuple[Selector, ...]:
    """Return the choices that a list of names, numbers and versions makes.

    Examples
    --------
    >>> parse_selectors("SCI,2,1")
    (Selector(name='SCI', number=2), Selector(name='', number=1))

    Raises
    ------
    UsageError
        If it is empty or names one image twice.
    """
    parts = text.split(",") if isinstance(text, str) else list(text)
    found: list[Selector] = []
    for part in (str(each).strip() for each in parts):
        if "," in part:  # a pair in a list
            found += parse_selectors(part)
        elif not part:
            raise UsageError(f"extensions must be names or numbers; '{text}' has an empty one")
        elif not _NUMBER.fullmatch(part):
            found.append(Selector(part.upper()))
        elif found and found[-1].name and found[-1].number is None:
            found[-1] = Selector(found[-1].name, int(part))
        else:
            found.append(Selector("", int(part)))
    if not found or len(set(found)) < len(found):
        raise UsageError(f"extensions must be names or numbers, each once; they are '{text}'")
    return tuple(found)


def split_selectors(file: str) -> tuple[str, str]:
    """Split ``a.fits[SCI,2]`` into the file and what stands in the brackets; "" without them.

    Examples
    --------
    >>> split_selectors("a.fits[SCI,2]"), split_selectors("a.fits")
    (('a.fits', 'SCI,2'), ('a.fits', ''))
    """
    if not file.rstrip().endswith("]"):  # nearly all names
        return file, ""
    found = _BRACKETS.fullmatch(file)
    return (found["file"], found["names"].strip()) if found else (file, "")


def format_selectors(selectors: Sequence[Selector]) -> str:
    """Return the choices as text, as `parse_selectors` reads them."""
    return ",".join(
        each.name + (f",{each.number}" if each.number is not None else "")
        if each.name
        else str(each.number)
        for each in selectors
    )


def choose_images(images: Sequence[ImageInfo], selectors: Sequence[Selector]) -> list[ImageInfo]:
    """Return the chosen images of a file, in the order of the choices.

    A name without a version chooses all images of that name. They are galaxies or bands, whatever
    their names say.

    Raises
    ------
    CutoutError
        If one is not there.
    """
    chosen: list[ImageInfo] = []
    for each in selectors:
        found = [image for image in images if _matches(image, each)]
        if not found:
            there = ", ".join(_describe(image) for image in images)
            raise CutoutError(
                f"has no image {format_selectors([each])}: its images are {there or 'none'}"
            )
        chosen += [image for image in found if image not in chosen]
    return chosen


def _matches(image: ImageInfo, selector: Selector) -> bool:
    if not selector.name:
        return image.hdu == selector.number
    names = {image.name.upper()} - {""} or ({"PRIMARY"} if image.hdu == 0 else set())
    versions = (None, image.version or 1)
    return selector.name in names and selector.number in versions


def _describe(image: ImageInfo) -> str:
    return f"{image.hdu} ({image.name})" if image.name else str(image.hdu)
