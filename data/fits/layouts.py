"""Image layouts: which images of a file are galaxies, which are bands, which are ancillary."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

from galfeat import CutoutError, UsageError
from galfeat._arrays import channels_last_hint
from galfeat.data.cutouts import band_names
from galfeat.data.fits.ancillary.names import (
    ROLES,
    AncillaryName,
    ImageName,
    Role,
    parse_name,
    words_of,
)

__all__ = [
    "AncillaryImage",
    "GalaxyImages",
    "ImageInfo",
    "Layout",
    "arrange",
    "check_layout",
    "format_shape",
    "is_band_name",
    "other_images",
]

Layout = Literal["auto", "cube", "bands", "galaxies"]

_MAX_PLANES = 100
"""Planes of a cube that can be bands; spectra have thousands, the richest surveys sixty."""

_NOTHING = ImageName("")

# Names of filters, alone or as a part between separators: g, r', Ks, F814W, NUV, W1, CH2, VIS,
# SDSS_g, HSC-I, band1, red.
_BAND = re.compile(
    r"[ugrizybvjhk]'?|[yw][1-4]|ks|kp|f\d{2,4}(w|m|n|lp|x|w2|w3)p?|[fn]uv|uv(w1|w2|m2)|(ch|irac|i)[1-4]|vis|(nb|ib|n)\d{3,4}|"
    r"red|green|blue|(band|filter)\d+",
    re.IGNORECASE,
)


class ImageInfo(NamedTuple):
    """Description of an image as its header gives it.

    Parameters
    ----------
    hdu : int
        Number of the HDU; 0 is the primary one.
    shape : tuple of int
        Slowest axis first, without leading axes of length 1.
    name : str
        EXTNAME.
    own_filter : str
        Filter in its own header.
    filter : str
        The same, or that of a primary HDU without pixels.
    planes : tuple of str
        Names of the planes of a cube, where the header names them all.
    version : int
        EXTVER, or the number at the end of EXTNAME; 0 if there is neither, or the file has no
        ancillary images.
    stated : ImageName
        What keywords of its header say that it is, or those of a primary HDU without pixels.
    """

    hdu: int
    shape: tuple[int, ...]
    name: str = ""
    own_filter: str = ""
    filter: str = ""
    planes: tuple[str, ...] = ()
    version: int = 0
    stated: ImageName = _NOTHING

    @property
    def meaning(self) -> ImageName:
        """What it is by its header and its name: whichever says that it is a companion.

        Where both do, the header says what it holds and the name whose it is.
        """
        named = parse_name(self.name)
        if not self.stated.is_companion:
            return named if named.meaning else self.stated
        if self.stated.meaning == "unused" and named.meaning in ROLES:
            return named
        return named._replace(meaning=self.stated.meaning, word=self.stated.word)

    @property
    def is_companion(self) -> bool:
        """Whether it accompanies a galaxy and is none."""
        return self.meaning.is_companion

    @property
    def use(self) -> AncillaryName | None:
        """How it is used for the galaxy that it accompanies; None if it is not."""
        found = self.meaning
        role = next((role for role in ROLES if role == found.meaning), None)
        if role is None:
            return None
        parts = words_of(found.rest)
        # SCI_ERR goes with SCI; so does ERR
        other = all(parse_name(part).meaning == "science" for part in parts)
        return AncillaryName(role, "" if other else found.rest, found.version)


class AncillaryImage(NamedTuple):
    """An ancillary image of a galaxy: its role, the band it belongs to (None: all), and its HDU."""

    role: Role
    band: int | None
    hdu: int


class GalaxyImages(NamedTuple):
    """The images of a file that hold the pixels of one galaxy.

    Parameters
    ----------
    hdus : tuple of int
        HDUs that hold one band each; or one HDU that holds all bands.
    bands : tuple of str
    named : bool
        Whether the file names the bands.
    number : int or None
        Index along the slowest axis, where that axis counts galaxies.
    problem : str
        Why it cannot be read; empty if it can.
    ancillary : tuple of AncillaryImage
        Noise maps, masks and segmentation maps in the same file.
    """

    hdus: tuple[int, ...]
    bands: tuple[str, ...] = ()
    named: bool = False
    number: int | None = None
    problem: str = ""
    ancillary: tuple[AncillaryImage, ...] = ()


def check_layout(layout: str) -> None:
    """Refuse an unknown layout.

    Raises
    ------
    UsageError
        With the known layouts.
    """
    if layout not in get_args(Layout):
        raise UsageError(f"layout must be one of {', '.join(get_args(Layout))}; it is '{layout}'")


def arrange(images: Sequence[ImageInfo], layout: Layout = "auto") -> list[GalaxyImages]:
    """Group the images of a file into galaxies with bands.

    Parameters
    ----------
    images : sequence of ImageInfo
        In the order of the file.
    layout : {"auto", "cube", "bands", "galaxies"}
        "galaxies": each image is a galaxy, a 3-D one with its bands along the slowest axis.
        "bands": the images are the bands of one galaxy. "cube": the first image is the galaxy,
        later ones are ignored. "auto": images of one shape that each have a filter of their own
        (all by the keyword FILTER, or all by an EXTNAME that is the name of a filter) are the bands
        of one galaxy; otherwise each is a galaxy. In all layouts a 4-D image is a series of
        galaxies with bands, and ancillary images (noise maps, masks, weights, PSFs, segmentation
        maps, known by their names and headers) are not galaxies; where some images are called SCI,
        IMAGE or the like, images called something else are none either, and beside a nameless
        primary image no named ones but bands, unless the layout is "galaxies".

    Returns
    -------
    list of GalaxyImages

    Raises
    ------
    CutoutError
        If there is no galaxy, or the images do not fit the layout.
    """
    science = _science(images, layout)
    if not science:
        there = ", ".join(image.name or image.meaning.word for image in images)
        raise CutoutError(
            f"holds no image of a galaxy, only ancillary images ({there})"
            if images
            else "holds no image"
        )
    if layout == "cube":
        science = science[:1]
        if len(science[0].shape) < 3:
            raise CutoutError(
                f"holds no cube: its first image has {format_shape(science[0].shape)}"
            )
    if layout == "bands" and len(science) > 1:
        return [
            _one_galaxy(science, _names(science) or _distinct([image.name for image in science]))
        ]
    if (
        layout == "auto"
        and len(science) > 1
        and len({image.shape for image in science}) == 1
        and len(science[0].shape) == 2
    ):
        names = _names(science)
        if names:
            return [_one_galaxy(science, names)]
    return [galaxy for image in science for galaxy in _galaxies(image)]


def _science(images: Sequence[ImageInfo], layout: Layout) -> list[ImageInfo]:
    """Return the images that can be galaxies or their bands."""
    science = [image for image in images if not image.is_companion]
    if len(science) < 2 or layout == "galaxies":
        return science
    named = [image for image in science if image.meaning.meaning == "science"]
    if named:
        return named
    first = science[0]
    if layout == "bands" or first.hdu or first.name or first.own_filter:
        return science
    return [
        image for image in science if not image.name or is_band_name(image.name) or image.own_filter
    ]


def other_images(images: Sequence[ImageInfo], layout: Layout) -> list[str]:
    """Return the names of images that are left out though nothing says what they are."""
    science = {image.hdu for image in _science(images, layout)}
    return [
        image.name or f"number {image.hdu}"
        for image in images
        if image.hdu not in science and not image.is_companion
    ]


def is_band_name(name: str) -> bool:
    """Return whether a name is the name of a filter or has one among its parts.

    ``g``, ``F814W``, ``SDSS_g``.
    """
    return any(_BAND.fullmatch(part) for part in words_of(name))


def format_shape(shape: Sequence[int]) -> str:
    """Return a shape as text, for messages."""
    return " x ".join(str(length) for length in shape) + " pixels"


def _names(images: Sequence[ImageInfo]) -> tuple[str, ...]:
    filters = [image.own_filter for image in images]
    return _distinct(
        filters
        if all(filters)
        else [image.name if is_band_name(image.name) else "" for image in images]
    )


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(names) if all(names) and len(set(names)) == len(names) else ()


def _one_galaxy(images: Sequence[ImageInfo], names: tuple[str, ...]) -> GalaxyImages:
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1 or len(shapes[0]) != 2:
        raise CutoutError(
            "cannot be one galaxy with one image per band: its images have "
            f"{', '.join(format_shape(shape) for shape in shapes)}"
        )
    return GalaxyImages(
        tuple(image.hdu for image in images), names or band_names(len(images)), named=bool(names)
    )


def _galaxies(image: ImageInfo) -> list[GalaxyImages]:
    axes = len(image.shape)
    if 0 in image.shape or not 2 <= axes <= 4:
        what = "has no pixels" if 0 in image.shape else f"has {axes} axes"
        return [
            GalaxyImages((image.hdu,), problem=f"its image {what} ({format_shape(image.shape)})")
        ]
    if axes == 2:
        return [
            GalaxyImages(
                (image.hdu,),
                (image.filter,) if image.filter else band_names(1),
                named=bool(image.filter),
            )
        ]
    if channels_last_hint(image.shape):
        return [
            GalaxyImages(
                (image.hdu,),
                problem=(
                    f"its image has {format_shape(image.shape)}, in NumPy's order, so that the "
                    f"bands seem to be the last axis (NAXIS1 = {image.shape[-1]}): write "
                    "np.moveaxis(image, -1, 0), with the bands first"
                ),
            )
        ]
    bands = image.shape[-3]
    if bands > _MAX_PLANES:
        called = f" {image.name}" if image.name else ""
        problem = (
            f"its image{called} has {bands:,} planes, which are channels of a spectrum or many "
            "galaxies rather than bands: make an image a band of them, write galaxies along a "
            "fourth axis, or choose other images of the file (--extension)"
        )
        return [GalaxyImages((image.hdu,), problem=problem)]
    names = image.planes or ((image.filter,) if bands == 1 and image.filter else ())
    galaxy = GalaxyImages((image.hdu,), names or band_names(bands), named=bool(names))
    return (
        [galaxy]
        if axes == 3
        else [galaxy._replace(number=number) for number in range(image.shape[0])]
    )
