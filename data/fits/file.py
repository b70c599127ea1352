"""FITS files: the galaxies that a file holds, and their pixels.

`open_fits` parses the headers only (`headers`) and arranges the images as galaxies and bands
(`layouts`); pixels are read on request. Plain images are read here, tile-compressed ones by astropy
(`tiles`). Pixel values are those of `astropy.io.fits.getdata`, cast to float32, with one
difference: pixels marked by BLANK are always NaN, also where astropy leaves them as numbers (BLANK
= 0, and unsigned integers).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import dropwhile
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary import (
    NOISE_ROLES,
    AncillaryOptions,
    AncillaryPlane,
    PixelPlanes,
    apply_ancillary,
    bad_bits_of,
    bad_pixels,
    noise_role,
)
from galfeat.data.fits.ancillary_matching import match_ancillary
from galfeat.data.fits.ancillary_names import Role, is_ancillary
from galfeat.data.fits.header_forms import BLOCK, HeaderCards
from galfeat.data.fits.headers import Hdu, Header, read_hdus
from galfeat.data.fits.layouts import (
    AncillaryImage,
    GalaxyImages,
    ImageInfo,
    Layout,
    arrange,
    format_shape,
)
from galfeat.data.fits.scaling import (
    apply_scaling,
    describe_overflow,
    exact_values,
    is_8_bit,
    may_overflow,
    stored_dtype,
)
from galfeat.data.fits.streams import FileBytes, Stamp, open_bytes
from galfeat.data.fits.tiles import decompress_image
from galfeat.data.missing import mask_missing

__all__ = [
    "FileContents",
    "FitsFile",
    "PixelPlanes",
    "filter_of",
    "image_of",
    "open_fits",
    "shared_filter",
]

# astropy takes the last value of a duplicate of these
_NUMERIC_KEYWORDS = re.compile(r"Z?BITPIX|Z?NAXIS\d*|[PG]COUNT|BSCALE|BZERO|Z?BLANK")


_DEFAULT = AncillaryOptions()
_MAX_CACHED = 4  # images whose stored numbers are cached


@dataclass(frozen=True, eq=False)
class FileContents:
    """HDUs of a file, its damage, and its galaxies by layout: everything that the headers tell.

    Parameters
    ----------
    hdus : list of Hdu
    damage : str
        What is wrong after the last complete HDU; empty if nothing is.
    arranged : dict of str to list of GalaxyImages
        Galaxies in each layout that was asked for so far.
    """

    hdus: list[Hdu]
    damage: str
    arranged: dict[Layout, list[GalaxyImages]] = field(default_factory=dict)

    def oddities(self, size: int) -> dict[str, str]:
        """Return deviations from the FITS standard that archives contain all the same, by kind.

        Parameters
        ----------
        size : int
            Size of the file, bytes.
        """
        odd: dict[str, str] = {}
        double = [
            name
            for hdu in self.hdus
            if isinstance(hdu.header.cards, HeaderCards)
            for name in hdu.header.cards.form.duplicates
        ]
        if double:
            which = "the last" if _NUMERIC_KEYWORDS.fullmatch(double[0]) else "the first"
            odd["double"] = (
                f"the keyword {double[0]} stands more than once in a header: {which} counts"
            )
        if self.damage or not self.hdus:
            return odd
        last = self.hdus[-1]
        end = last.offset + -(-last.size // BLOCK) * BLOCK
        if size > end:
            odd["rest"] = f"{size - end:,} bytes follow its last image: they are passed over"
        if size < end:
            odd["short"] = "its last block is not filled up, though all its pixels are there"
        return odd


class FitsFile:
    """A FITS file of which only the headers have been read.

    Parameters
    ----------
    source : FileBytes
    contents : FileContents, optional
        The parsed headers, where they are known already.
    report : callable, optional
        Called with oddities of pixels and ancillary images, by kind.

    Raises
    ------
    CutoutError
        If it is no FITS file or its first header makes no sense.
    """

    def __init__(
        self,
        source: FileBytes,
        contents: FileContents | None = None,
        report: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._report = report
        self.contents = contents or FileContents(*read_hdus(source))
        self.hdus, self.damage = self.contents.hdus, self.contents.damage
        self._arranged = self.contents.arranged
        self._cache: dict[int, NDArray[np.generic]] = {}

    @property
    def oddities(self) -> dict[str, str]:
        """Deviations from the FITS standard that were read as astropy reads them, by kind."""
        return self.contents.oddities(self._source.size)

    @property
    def packed(self) -> bool:
        """Whether the file is packed by gzip or bzip2."""
        return self._source.packed

    @property
    def stamp(self) -> Stamp:
        """Device, inode, size and time of change: they differ as soon as the file is changed."""
        return self._source.stamp

    def galaxies(self, layout: Layout = "auto", hdu: int | None = None) -> list[GalaxyImages]:
        """Return the galaxies of the file, or of one of its HDUs.

        The missing end of a truncated file counts as one more galaxy, with that problem, if the
        HDUs before it are galaxies of their own; otherwise the whole file fails, because nothing
        tells what the complete images are.

        Raises
        ------
        CutoutError
            If there is none, or the images do not go with the layout.
        """
        if hdu is not None:
            return self._with_ancillary(arrange([self._chosen_image(hdu)], layout), self.images)
        if layout not in self._arranged:
            self._arranged[layout] = self._all_galaxies(layout)
        return self._arranged[layout]

    def load(self, galaxy: GalaxyImages, ancillary: AncillaryOptions = _DEFAULT) -> PixelPlanes:
        """Read the pixels of one galaxy and apply its ancillary images.

        Raises
        ------
        CutoutError
            If they cannot be read, or an ancillary image does not match.
        """
        if galaxy.problem:
            raise CutoutError(galaxy.problem)
        planes = [self._read_flux(self.hdus[number]) for number in galaxy.hdus]
        if galaxy.number is not None:
            planes = [planes[0][galaxy.number]]
        ny, nx = planes[0].shape[-2:]
        pixels = (
            planes[0].reshape(-1, ny, nx)
            if len(planes) == 1
            else np.stack([plane.reshape(ny, nx) for plane in planes])
        )
        missing: tuple[int, ...] = ()
        picture = any(is_8_bit(self.hdus[number]) for number in galaxy.hdus)
        if ancillary.mask_missing and not picture:
            pixels, missing = mask_missing(pixels)
        found = PixelPlanes(pixels, galaxy.bands, galaxy.named, missing=missing, picture=picture)
        if not galaxy.ancillary or not ancillary.use:
            return found
        return apply_ancillary(
            found, [self._read_plane(each, galaxy, ancillary) for each in galaxy.ancillary]
        )

    def read_ancillary(
        self, hdu: Hdu, role: Role, ancillary: AncillaryOptions
    ) -> NDArray[np.generic]:
        """Read an ancillary image: noise as float32, bad pixels as bool, segment labels as numbers.

        Returns
        -------
        array
            Without leading axes of length 1.

        Raises
        ------
        CutoutError
            If it cannot be read.
        """
        if role in NOISE_ROLES:
            return self._read_flux(hdu)
        values = exact_values(self._read_stored(hdu), hdu)
        if role == "segmentation":
            return values
        return bad_pixels(
            values, bad_bits_of(hdu.header, self.hdus[0].header, role, ancillary.bad_bits)
        )

    def _read_plane(
        self, found: AncillaryImage, galaxy: GalaxyImages, ancillary: AncillaryOptions
    ) -> AncillaryPlane:
        hdu = self.hdus[found.hdu]
        role = noise_role(hdu.header, found.role)
        values = self.read_ancillary(hdu, role, ancillary)
        if galaxy.number is not None:
            count = self.hdus[galaxy.hdus[0]].shape[-4]
            if values.ndim < 3 or len(values) != count:
                raise CutoutError(
                    f"its file holds {count} galaxies and {hdu.header.text('EXTNAME')} has "
                    f"{format_shape(values.shape)}"
                )
            values = values[galaxy.number]
        return AncillaryPlane(role, found.band, values.reshape(-1, *values.shape[-2:]))

    @property
    def images(self) -> list[ImageInfo]:
        """Images of two axes or more, as described by their headers."""
        return [
            self._image(each)
            for each in self.hdus
            if each.kind in ("image", "tiles") and len(each.shape) > 1
        ]

    def _with_ancillary(
        self, galaxies: list[GalaxyImages], images: list[ImageInfo]
    ) -> list[GalaxyImages]:
        if not any(is_ancillary(image.name) for image in images):
            return galaxies
        images = [
            image._replace(version=_version(self.hdus[image.hdu].header, image.name))
            for image in images
        ]
        found, unclear = match_ancillary(images, galaxies)
        if unclear:
            self._report(
                {
                    "unclear": (
                        f"it is not clear which image {', '.join(unclear[:3])} goes with: not used"
                    )
                }
            )
        return found

    def _all_galaxies(self, layout: Layout) -> list[GalaxyImages]:
        images = self.images
        if self.damage:
            galaxies = (
                self._with_ancillary(arrange(images, layout), images) if len(images) > 1 else []
            )
            if len(galaxies) < 2:
                raise CutoutError(self.damage)
            return [*galaxies, GalaxyImages((), problem=self.damage)]
        if not images:
            raise CutoutError("holds no image" + _describe_contents(self.hdus))
        return self._with_ancillary(arrange(images, layout), images)

    def _chosen_image(self, number: int) -> ImageInfo:
        if not 0 <= number < len(self.hdus):
            missing = (
                f"has no extension {number}: its {len(self.hdus)} go from 0 to {len(self.hdus) - 1}"
            )
            raise CutoutError(self.damage or missing)
        hdu = self.hdus[number]
        if hdu.kind not in ("image", "tiles") or len(hdu.shape) < 2:
            raise CutoutError(f"extension {number} is no image" + _describe_contents([hdu]))
        image = self._image(hdu)
        return image._replace(name="")

    def _image(self, hdu: Hdu) -> ImageInfo:
        return image_of(hdu, self._shared)

    @cached_property
    def _shared(self) -> str:
        return shared_filter(self.hdus[0])

    def _read_flux(self, hdu: Hdu) -> NDArray[np.float32]:
        stored = self._read_stored(hdu)
        flux = apply_scaling(stored, hdu)
        if may_overflow(hdu):
            self._report(describe_overflow(flux, stored, hdu))
        return flux

    def _read_stored(self, hdu: Hdu) -> NDArray[np.generic]:
        """Return the stored numbers of an image, not yet scaled.

        Images of four axes, which hold many galaxies, are cached so that each is decompressed once.
        """
        if hdu.number not in self._cache:
            stored = (
                decompress_image(self._source, hdu)
                if hdu.kind == "tiles"
                else _read_image(self._source, hdu)
            )
            shape = _strip_leading_ones(hdu.shape)
            if stored.size != prod(shape):
                raise CutoutError(
                    f"its compressed pixels are damaged: {stored.size:,} are there for "
                    f"{format_shape(shape)}"
                )
            if len(shape) < 4:
                return stored.reshape(shape)
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            self._cache[hdu.number] = stored.reshape(shape)
        return self._cache[hdu.number]


@contextmanager
def open_fits(path: Path) -> Iterator[FitsFile]:
    """Open a FITS file, packed or not, as a context manager.

    Raises
    ------
    CutoutError
        If there is no such file, or it is no FITS file.
    """
    with open_bytes(path) as source:
        yield FitsFile(source)


def image_of(hdu: Hdu, shared: str) -> ImageInfo:
    """Return the description of an image from its header.

    `shared` is the filter named in a primary header without pixels, for all images.
    """
    shape = _strip_leading_ones(hdu.shape)
    own = filter_of(hdu.header)
    planes = _plane_names(hdu.header, shape[-3]) if len(shape) > 2 else ()
    return ImageInfo(hdu.number, shape, hdu.header.text("EXTNAME"), own, own or shared, planes)


def _version(header: Header, name: str) -> int:
    if "EXTVER" in header:
        try:
            return header.integer("EXTVER")
        except CutoutError:
            return 0  # only matching of ancillary images needs it
    number = name[len(name.rstrip("0123456789")) :]
    return int(number[:9] or 0)


def shared_filter(first: Hdu) -> str:
    """Return the filter that a primary HDU without pixels names for the images behind it."""
    return "" if first.shape else filter_of(first.header)


def filter_of(header: Header) -> str:
    """Return the filter named in a header; empty if there is none.

    FILTER; or the one of FILTER1 and FILTER2 (instruments with two filter wheels) that is not
    clear; or FILTNAM1; or BAND.
    """
    wheels = [header.text(keyword) for keyword in ("FILTER1", "FILTER2")]
    names = [
        header.text("FILTER"),
        *(name for name in wheels if not name.upper().startswith("CLEAR")),
    ]
    names += [header.text("FILTNAM1"), header.text("BAND")]
    return next((name for name in names if name), "")


def _strip_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Drop leading axes of length 1, as radio images and spectrographs write them."""
    return tuple(dropwhile(lambda length: length == 1, shape[:-2])) + shape[-2:]


def _plane_names(header: Header, count: int) -> tuple[str, ...]:
    for keyword, first in (("BAND", 1), ("BAND", 0), ("FILTER", 1)):
        names = tuple(header.text(f"{keyword}{number}") for number in range(first, first + count))
        clear = any(name.upper().startswith("CLEAR") for name in names)
        if all(names) and len(set(names)) == count and not clear:
            return names
    return ()


def _read_image(source: FileBytes, hdu: Hdu) -> NDArray[np.generic]:
    count = prod(hdu.shape)
    return np.frombuffer(
        source.read(hdu.offset, count * abs(hdu.bitpix) // 8), dtype=stored_dtype(hdu.bitpix)
    )


def _describe_contents(hdus: list[Hdu]) -> str:
    tables = sum(hdu.kind == "table" for hdu in hdus)
    lines = sum(hdu.kind == "image" and len(hdu.shape) == 1 for hdu in hdus)
    there = [f"{tables} table(s)"] * bool(tables) + [
        f"{lines} one-dimensional array(s), such as spectra"
    ] * bool(lines)
    return f", only {' and '.join(there)}" if there else ""
