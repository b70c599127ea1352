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
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary.apply import (
    NOISE_ROLES,
    AncillaryOptions,
    AncillaryPlane,
    PixelPlanes,
    apply_ancillary,
    bad_bits_of,
    bad_pixels,
    noise_role,
)
from galfeat.data.fits.ancillary.matching import match_ancillary
from galfeat.data.fits.ancillary.names import (
    ImageName,
    Role,
    is_weight,
    parse_name,
)
from galfeat.data.fits.header_forms import BLOCK, HeaderCards
from galfeat.data.fits.headers import Hdu, read_hdus
from galfeat.data.fits.image_info import (
    calibration_keywords,
    coordinate_cards,
    image_of,
    shared_filter,
    shared_meaning,
    strip_leading_ones,
    unit_of,
    version_of,
    with_models,
)
from galfeat.data.fits.layouts import (
    AncillaryImage,
    GalaxyImages,
    ImageInfo,
    Layout,
    arrange,
    format_shape,
    other_images,
)
from galfeat.data.fits.memory_bounds import FEW_PIXELS, galaxy_bytes
from galfeat.data.fits.scaling import (
    apply_scaling,
    describe_overflow,
    exact_values,
    is_8_bit,
    linear_flux,
    may_overflow,
    stored_dtype,
)
from galfeat.data.fits.selectors import Selector, choose_images
from galfeat.data.fits.streams import FileBytes, Stamp, open_bytes
from galfeat.data.fits.tiles import decompress_image
from galfeat.data.grids.align import align_bands, grids_differ, reference_band
from galfeat.data.grids.stack import stack_bands
from galfeat.data.memory import BUDGET
from galfeat.data.missing import mask_missing

__all__ = ["FileContents", "FitsFile", "PixelPlanes", "open_fits"]

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
    arranged : dict
        Galaxies in each layout, and of each choice of images, that was asked for so far.
    """

    hdus: list[Hdu]
    damage: str
    arranged: dict[tuple[Layout, tuple[Selector, ...]], list[GalaxyImages]] = field(
        default_factory=dict
    )

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
                f"the keyword {double[0]} appears more than once in a header: {which} is used"
            )
        if any("CONTINUE" in hdu.header for hdu in self.hdus):
            odd["continue"] = "a card CONTINUE with an equals sign continues no text: it is ignored"
        if any(hdu.bitpix < 0 and _has_odd_blank(hdu) for hdu in self.hdus):
            odd["blank"] = (
                "BLANK of floating-point pixels is no integer: it is ignored, as it means nothing"
            )
        if self.damage or not self.hdus:
            return odd
        last = self.hdus[-1]
        end = last.offset + -(-last.size // BLOCK) * BLOCK
        if size > end:
            odd["rest"] = f"{size - end:,} bytes follow its last image: they are ignored"
        if size < end:
            odd["short"] = "its last block is incomplete, but all its pixels are present"
        return odd


def _has_odd_blank(hdu: Hdu) -> bool:
    """Return whether BLANK is no integer: astropy cannot read the image then."""
    if "BLANK" not in hdu.header:
        return False
    try:
        hdu.header.integer("BLANK")
    except CutoutError:
        return True
    return False


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

    def galaxies(
        self,
        layout: Layout = "auto",
        hdu: int | None = None,
        extension: tuple[Selector, ...] = (),
    ) -> list[GalaxyImages]:
        """Return the galaxies of the file, of one of its HDUs, or of the chosen images.

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
        if (layout, extension) not in self._arranged:
            self._arranged[layout, extension] = (
                self._chosen_galaxies(layout, extension)
                if extension
                else self._all_galaxies(layout)
            )
        return self._arranged[layout, extension]

    def load(self, galaxy: GalaxyImages, ancillary: AncillaryOptions = _DEFAULT) -> PixelPlanes:
        """Read the pixels of one galaxy and apply its ancillary images.

        Raises
        ------
        CutoutError
            If they cannot be read, or an ancillary image does not match.
        """
        if galaxy.problem:
            raise CutoutError(galaxy.problem)
        chosen = [self.hdus[number] for number in galaxy.hdus]
        others = [self.hdus[each.hdu] for each in galaxy.ancillary] if ancillary.use else []
        if sum(prod(hdu.shape) for hdu in (*chosen, *others)) < FEW_PIXELS:
            return self._load(galaxy, ancillary)
        with BUDGET.reserve(galaxy_bytes(chosen, others)):
            return self._load(galaxy, ancillary)

    def _load(self, galaxy: GalaxyImages, ancillary: AncillaryOptions) -> PixelPlanes:
        if len(galaxy.hdus) > 1:
            return self._load_bands(galaxy, ancillary)
        [hdu] = (self.hdus[number] for number in galaxy.hdus)
        plane = self._read_flux(hdu)
        if galaxy.number is not None:
            plane = plane[galaxy.number]
        found = self._planes_of(hdu, plane, galaxy.bands, ancillary, named=galaxy.named)
        if not galaxy.ancillary or not ancillary.use:
            return found
        return apply_ancillary(
            found, [self._read_plane(each, galaxy, ancillary) for each in galaxy.ancillary]
        )

    def _load_bands(self, galaxy: GalaxyImages, ancillary: AncillaryOptions) -> PixelPlanes:
        """Read a galaxy with an image a band, and bring the bands to one grid."""
        bands = self._read_bands(galaxy, ancillary)
        planes = (
            [self._read_plane(each, galaxy, ancillary) for each in galaxy.ancillary]
            if ancillary.use
            else []
        )
        if not grids_differ(bands):
            found = stack_bands(bands, galaxy.bands, named=galaxy.named)
            return apply_ancillary(found, planes) if planes else found
        shared = next((plane for plane in planes if plane.band is None), None)
        if shared is not None:
            raise CutoutError(
                f"its bands lie on different grids, and nothing says on which its {shared.role} "
                "lies: bring all to one grid"
            )
        for number, band in enumerate(galaxy.bands):
            own = [plane._replace(band=0) for plane in planes if plane.band == number]
            bands[band] = apply_ancillary(bands[band], own) if own else bands[band]
        return stack_bands(align_bands(bands), galaxy.bands, named=galaxy.named)

    def _read_bands(
        self, galaxy: GalaxyImages, ancillary: AncillaryOptions
    ) -> dict[str, PixelPlanes]:
        """Read the pixels of each band of a galaxy with an image a band."""
        bands: dict[str, PixelPlanes] = {}
        for band, number in zip(galaxy.bands, galaxy.hdus, strict=True):
            hdu = self.hdus[number]
            plane = self._read_flux(hdu)
            bands[band] = self._planes_of(hdu, plane, (band,), ancillary, named=galaxy.named)
        return bands

    def _planes_of(
        self,
        hdu: Hdu,
        plane: NDArray[np.float32],
        bands: tuple[str, ...],
        ancillary: AncillaryOptions,
        *,
        named: bool,
    ) -> PixelPlanes:
        """Return the pixels of an image with what its header says, and missing data masked.

        Missing data are masked before bands are brought to one grid, which would blur their edges.
        """
        pixels, missing = plane.reshape(-1, *plane.shape[-2:]), tuple[int, ...]()
        unit, picture = unit_of(hdu, self.hdus[0]), is_8_bit(hdu)
        if ancillary.mask_missing and not picture:
            pixels, missing = mask_missing(pixels)
        return PixelPlanes(
            pixels,
            bands,
            named,
            units=(unit,) * len(pixels) if unit else (),
            grid=coordinate_cards(hdu.header),
            missing=missing,
            picture=picture,
            keywords=(calibration_keywords(hdu, self.hdus[0], len(pixels)),) * len(pixels)
            if ancillary.calibration
            else (),
        )

    def grid_hdu(self, galaxy: GalaxyImages) -> int:
        """Return the number of the HDU whose grid the pixels of a galaxy have."""
        if len(galaxy.hdus) == 1:
            return galaxy.hdus[0]
        bands = self._read_bands(galaxy, _DEFAULT)
        if not grids_differ(bands):
            return galaxy.hdus[0]
        return galaxy.hdus[galaxy.bands.index(reference_band(bands))]

    def read_ancillary(
        self, hdu: Hdu, role: Role, ancillary: AncillaryOptions, name: str = ""
    ) -> NDArray[np.generic]:
        """Read an ancillary image: noise as float32, bad pixels as bool, segment labels as numbers.

        `name` is that of a file which holds nothing else.

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
            return self._read_scaled(hdu)
        values = exact_values(self._read_stored(hdu), hdu)
        if role == "segmentation":
            return values
        return bad_pixels(
            values, bad_bits_of(hdu.header, self.hdus[0].header, role, ancillary.bad_bits, name)
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
        found = [
            self._image(each)
            for each in self.hdus
            if each.kind in ("image", "tiles") and len(each.shape) > 1
        ]
        return with_models(found, self.hdus)

    def _with_ancillary(
        self, galaxies: list[GalaxyImages], images: list[ImageInfo]
    ) -> list[GalaxyImages]:
        if not any(image.is_companion for image in images):
            return galaxies
        found, unclear = match_ancillary(self._with_versions(images), galaxies)
        if unclear:
            self._report(
                {
                    "unclear": (
                        f"it is not clear to which image {', '.join(unclear[:3])} belongs: not used"
                    )
                }
            )
        weight = next((image for image in images if is_weight(image.meaning)), None)
        if weight is not None and not any(
            each.role in NOISE_ROLES for galaxy in found for each in galaxy.ancillary
        ):
            self._report(
                {
                    "weight": (
                        f"its weights ({weight.name or weight.meaning.word}) are not used, since "
                        "nothing says whether they are inverse variances: if they are, name the "
                        "file in a catalog's column 'ivar'"
                    )
                }
            )
        return found

    def _with_versions(self, images: list[ImageInfo]) -> list[ImageInfo]:
        return [
            image._replace(version=version_of(self.hdus[image.hdu].header, image.name))
            for image in images
        ]

    def choose(self, extension: tuple[Selector, ...]) -> list[ImageInfo]:
        """Return the chosen images.

        Raises
        ------
        CutoutError
            If one is not there.
        """
        if not extension:
            return []
        try:
            return choose_images(self._with_versions(self.images), extension)
        except CutoutError as error:
            raise CutoutError(self.damage or str(error)) from error

    def _chosen_galaxies(
        self, layout: Layout, extension: tuple[Selector, ...]
    ) -> list[GalaxyImages]:
        images, chosen = self.images, self.choose(extension)
        # a galaxy because the user says so
        plain = [image._replace(stated=ImageName("science", "chosen")) for image in chosen]
        nameless = [
            image._replace(name="") if parse_name(image.name).meaning else image for image in plain
        ]
        return self._with_ancillary(arrange(nameless, layout), images)

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
        galaxies = self._with_ancillary(arrange(images, layout), images)
        others = other_images(images, layout) if layout != "cube" else []
        if others:
            self._report(
                {
                    "others": (
                        f"its images {', '.join(others[:3])} are left out, since others are called "
                        "images of the sky: choose by --extension or --layout galaxies"
                    )
                }
            )
        return galaxies

    def _chosen_image(self, number: int) -> ImageInfo:
        if not 0 <= number < len(self.hdus):
            missing = f"has no extension {number}: it has numbers 0 to {len(self.hdus) - 1}"
            raise CutoutError(self.damage or missing)
        hdu = self.hdus[number]
        if hdu.kind not in ("image", "tiles") or len(hdu.shape) < 2:
            raise CutoutError(f"extension {number} is not an image" + _describe_contents([hdu]))
        image = self._image(hdu)
        return image._replace(name="", stated=ImageName("science", "chosen"))

    def _image(self, hdu: Hdu) -> ImageInfo:
        return image_of(hdu, self._shared, self._shared_meaning)

    @cached_property
    def _shared_meaning(self) -> ImageName:
        return shared_meaning(self.hdus[0])

    @cached_property
    def _shared(self) -> str:
        return shared_filter(self.hdus[0])

    def _read_flux(self, hdu: Hdu) -> NDArray[np.float32]:
        return self._read_scaled(hdu, linear_flux)

    def _read_scaled(
        self,
        hdu: Hdu,
        further: Callable[[NDArray[np.float32], Hdu], NDArray[np.float32]] = lambda flux, _: flux,
    ) -> NDArray[np.float32]:
        """Read an image with its scaling applied, and what `further` makes of it."""
        stored = self._read_stored(hdu)
        flux = further(apply_scaling(stored, hdu), hdu)
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
            shape = strip_leading_ones(hdu.shape)
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
