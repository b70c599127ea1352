"""Ancillary images in one form: noise as sigma, bad pixels as NaN, segments as labels."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.fits.ancillary.conventions import MEANING_KEYWORDS, bad_bits_by_convention
from galfeat.data.fits.ancillary.names import Role, words_of
from galfeat.data.fits.header_forms import HeaderCards
from galfeat.data.fits.headers import Header

__all__ = [
    "NOISE_ROLES",
    "AncillaryOptions",
    "AncillaryPlane",
    "PixelPlanes",
    "apply_ancillary",
    "bad_bits_of",
    "bad_pixels",
    "noise_role",
    "noise_sigma",
    "segment_labels",
]

NOISE_ROLES: tuple[Role, ...] = ("sigma", "variance", "ivar")
"""What a noise map can hold; of a file that has several, the first is taken."""

_DESCRIPTIONS: dict[Role, str] = {
    "sigma": "noise map",
    "variance": "map of variances",
    "ivar": "map of inverse variances",
    "mask": "mask",
    "flags": "map of flags",
    "segmentation": "segmentation map",
}
_MASK_PLANE = re.compile(rb"(?:HIERARCH +)?\bMP_([A-Z0-9_]+) *= *([0-9]{1,2})\b")
_MAX_NAMED_BITS = 100
_MAX_INT32 = np.iinfo(np.int32).max


@dataclass(frozen=True)
class AncillaryOptions:
    """How noise maps, masks, flags and segmentation maps are used.

    Parameters
    ----------
    use : bool
        Whether they are read at all.
    bad_bits : int or None
        Bit mask of a data-quality map that makes a pixel bad: 3 is the first two bits. None goes by
        the file: the bits of its survey (`galfeat.data.fits.ancillary.conventions`), such as
        DO_NOT_USE, the first, where TELESCOP is JWST; the bad ones of those that keywords such as
        ``MP_BAD`` name (Rubin, Hyper Suprime-Cam, SPHEREx); any bit otherwise (Hubble). 0 ignores
        data-quality maps.
    mask_missing : bool
        Whether regions of one value are masked as missing data: see `galfeat.data.missing`.
    calibration : bool
        Whether the keywords of the flux calibration are read too.

    Raises
    ------
    UsageError
        If `bad_bits` is not an integer from 0 to 2**63 - 1.
    """

    use: bool = True
    bad_bits: int | None = None
    mask_missing: bool = True
    calibration: bool = False

    def __post_init__(self) -> None:
        bits = self.bad_bits
        if bits is not None and (
            not isinstance(bits, int) or isinstance(bits, bool) or not 0 <= bits < 1 << 63
        ):
            raise UsageError(
                "bad_bits must be a whole number from 0 on, the sum of the bits that make a "
                f"pixel bad; it is {bits!r}"
            )


class PixelPlanes(NamedTuple):
    """Pixels of one galaxy as read from a file.

    Parameters
    ----------
    pixels : array of float32, shape (bands, ny, nx)
    bands : tuple of str
    named : bool
        Whether the file names the bands.
    noise : array of float32, shape (bands, ny, nx), optional
    segmentation : array of int32, shape (ny, nx), optional
    units : tuple of str
        Unit of each band; empty where none is stated.
    grid : bytes
        Header cards of the celestial coordinates of the pixels; empty: not known.
    missing : tuple of int
        Number of pixels of each band that were masked as missing data; empty if there are none.
    picture : bool
        Whether the pixels are those of an 8-bit picture.
    keywords : tuple of mapping of str to str
        What the header of each band states of its flux calibration; empty if that was not read.
    """

    pixels: NDArray[np.float32]
    bands: tuple[str, ...]
    named: bool
    noise: NDArray[np.float32] | None = None
    segmentation: NDArray[np.int32] | None = None
    units: tuple[str, ...] = ()
    grid: bytes = b""
    missing: tuple[int, ...] = ()
    picture: bool = False
    keywords: tuple[Mapping[str, str], ...] = ()


class AncillaryPlane(NamedTuple):
    """One ancillary image of a galaxy, as read.

    Parameters
    ----------
    role : str
    band : int or None
        The one band that it belongs to; None: all.
    values : array, shape (planes, ny, nx)
        Float32 for noise, bool for bad pixels (`mask`, `flags`), any numbers for segments.
    file : str
        The file that it was read from, if not the galaxy's own.
    """

    role: Role
    band: int | None
    values: NDArray[np.generic]
    file: str = ""


def bad_bits_of(
    header: Header, first: Header, role: Role, bad_bits: int | None, file: str = ""
) -> int | None:
    """Return the bits of a mask or data-quality map that make a pixel bad; None: any nonzero value.

    Parameters
    ----------
    header, first : Header
        Header of the map, and primary header of its file.
    role : {"mask", "flags"}
    bad_bits : int or None
        The user's choice; see `AncillaryOptions`.
    file : str
        Name of a file that holds nothing but the map.
    """
    if bad_bits is not None and role == "flags":
        return bad_bits
    names = [header.text(keyword) for keyword in ("EXTNAME", *MEANING_KEYWORDS)]
    words = frozenset(word for name in (*names, file) if name for word in words_of(name))
    telescopes = " ".join(
        each.text(keyword) for each in (header, first) for keyword in ("TELESCOP", "INSTRUME")
    )
    found = bad_bits_by_convention(role, words, telescopes.upper(), _named_bits(header))
    return found if found is None or bad_bits is None else bad_bits


def bad_pixels(values: NDArray[np.generic], bits: int | None) -> NDArray[np.bool_]:
    """Return where a mask or data-quality map is bad: a bit is set, or it is not zero."""
    if bits is None or values.dtype.kind == "f":
        return np.asarray(values != 0)
    return np.asarray(values.astype(np.int64, copy=False) & bits != 0)


def _named_bits(header: Header) -> dict[str, int]:
    """Return the values of bits named by keywords such as ``MP_BAD``, or MSKNAM00 and MSKVAL00."""
    if not isinstance(header.cards, HeaderCards):
        return {}
    named = {
        match[1].decode(): 1 << int(match[2])
        for match in _MASK_PLANE.finditer(header.cards.raw)
        if int(match[2]) < 63
    }
    for number in range(_MAX_NAMED_BITS):
        name = header.text(f"MSKNAM{number:02}")
        if not name:
            break
        named[name.upper()] = header.integer(f"MSKVAL{number:02}", 0)
    return named


def noise_role(header: Header, role: Role) -> Role:
    """Return what a noise map holds: as its name says, unless UTYPE in its header says otherwise.

    UTYPE is what `astropy.nddata.CCDData` writes.
    """
    kinds: dict[str, Role] = {
        "StdDevUncertainty": "sigma",
        "VarianceUncertainty": "variance",
        "InverseVariance": "ivar",
    }
    return kinds.get(header.text("UTYPE"), role) if role in NOISE_ROLES else role


def apply_ancillary(found: PixelPlanes, ancillary: Sequence[AncillaryPlane]) -> PixelPlanes:
    """Return pixels with ancillary images applied.

    Masked pixels become NaN, and so do those whose noise is not a positive number. Noise is kept
    only where every band has it.

    Parameters
    ----------
    found : PixelPlanes
        Not modified.
    ancillary : sequence of AncillaryPlane
        The last one counts where there are two of a kind, such as two noise maps of a band; masks
        add up.

    Raises
    ------
    CutoutError
        If an ancillary image has another size than the image, or planes that do not match its
        bands.
    """
    pixels = found.pixels.copy()
    noise: list[NDArray[np.float32] | None] = (
        [None] * len(pixels) if found.noise is None else list(found.noise)
    )
    segments = found.segmentation
    for each in ancillary:
        role, band = each.role, each.band
        planes = _check_shape(each, pixels.shape)
        bands = list(range(len(pixels))) if band is None else [band]
        if role == "segmentation":
            segments = segment_labels(planes[0])
        elif role in ("mask", "flags"):
            pixels[bands] = np.where(planes.astype(bool), np.float32(np.nan), pixels[bands])
        else:
            for place, plane in zip(bands, noise_sigma(role, planes), strict=True):
                noise[place] = plane
                pixels[place][np.isnan(plane)] = np.nan
    known = [plane for plane in noise if plane is not None]
    return found._replace(
        pixels=pixels,
        noise=np.stack(known) if len(known) == len(noise) else None,
        segmentation=segments,
    )


def _check_shape(ancillary: AncillaryPlane, shape: tuple[int, ...]) -> NDArray[np.generic]:
    role, band, values, file = ancillary
    what = _DESCRIPTIONS[role] + (f" ({file})" if file else "")
    if values.shape[1:] != shape[1:]:
        sizes = [f"{ny} x {nx} pixels" for ny, nx in (values.shape[1:], shape[1:])]
        raise CutoutError(f"its {what} has {sizes[0]}, its image {sizes[1]}")
    shared = role in ("mask", "flags", "segmentation")
    allowed = {1} if band is not None else {1, shape[0]} if shared else {shape[0]}
    if len(values) not in allowed:
        wanted = "one band" if band is not None or shape[0] == 1 else f"{shape[0]} bands"
        raise CutoutError(f"its {what} has {len(values)} plane(s) for {wanted}")
    return values


def noise_sigma(role: Role, planes: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return a noise map as standard deviation; NaN where it is not a positive number."""
    wide = planes.astype(np.float64)
    with np.errstate(all="ignore"):
        if role != "sigma":
            wide = np.sqrt(wide)
        if role == "ivar":
            wide = 1 / wide
        sigma = wide.astype(np.float32)
    return np.where(np.isfinite(sigma) & (sigma > 0), sigma, np.float32(np.nan))


def segment_labels(plane: NDArray[Any]) -> NDArray[np.int32]:
    """Return a segmentation map as int32.

    Raises
    ------
    CutoutError
        If its values are not integers, or too large.
    """
    if plane.dtype.kind == "f":
        plane = np.where(np.isfinite(plane), plane, 0)
        if (plane != np.round(plane)).any():
            raise CutoutError(
                "its segmentation map holds fractions where whole numbers of objects are expected"
            )
    if plane.size and (plane.max() > _MAX_INT32 or plane.min() < -_MAX_INT32):
        raise CutoutError("its segmentation map holds numbers beyond 32 bits")
    return plane.astype(np.int32)
