"""What accompanies the pixels of a galaxy, brought into one form.

Noise as standard deviations, bad pixels as NaN, segments as numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.fits.ancillary_names import Role
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

_LSST_BAD = ("BAD", "SAT", "EDGE", "NO_DATA")
_WORDS: dict[Role, str] = {
    "sigma": "noise map",
    "variance": "map of variances",
    "ivar": "map of inverse variances",
    "mask": "mask",
    "flags": "map of flags",
    "segmentation": "segmentation map",
}
_MASK_PLANE = re.compile(rb"(?:HIERARCH +)?\bMP_([A-Z0-9_]+) *= *([0-9]{1,2})\b")
_HIGHEST = np.iinfo(np.int32).max


@dataclass(frozen=True)
class AncillaryOptions:
    """How noise maps, masks, flags and segmentation maps are used.

    Parameters
    ----------
    use : bool
        Whether they are read at all.
    bad_bits : int or None
        Which bits of a data-quality map make a pixel bad: 3 is the first two. None goes by the
        file: DO_NOT_USE, the first bit, where TELESCOP is JWST; BAD, SAT, EDGE and NO_DATA where
        keywords such as ``MP_BAD`` name the bits (Rubin, Hyper Suprime-Cam); any bit otherwise
        (Hubble). 0 passes over them.

    Raises
    ------
    UsageError
        If `bad_bits` is no whole number from 0 to 2**63 - 1.
    """

    use: bool = True
    bad_bits: int | None = None

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
    """Pixels of one galaxy as a file has them.

    Float32 of shape (bands, ny, nx), names of the bands, and whether the file gave them.

    ``noise`` is of the same shape, ``segmentation`` int32 of shape (ny, nx); None where there is
    none.
    """

    pixels: NDArray[np.float32]
    bands: tuple[str, ...]
    named: bool
    noise: NDArray[np.float32] | None = None
    segmentation: NDArray[np.int32] | None = None


class AncillaryPlane(NamedTuple):
    """One companion of a galaxy.

    Parameters
    ----------
    role : str
    band : int or None
        The one band that it goes with; None: all.
    values : array, shape (planes, ny, nx)
        Float32 for noise, bool for what is bad (`mask`, `flags`), any numbers for segments.
    file : str
        Where it comes from, if not from the galaxy's own file.
    """

    role: Role
    band: int | None
    values: NDArray[np.generic]
    file: str = ""


def bad_bits_of(header: Header, first: Header, role: Role, bad_bits: int | None) -> int | None:
    """Return the bits that make a pixel of a mask or of a map of flags bad.

    None: any value but zero.

    Parameters
    ----------
    header, first : Header
        That of the map, and the first of its file.
    role : {"mask", "flags"}
    bad_bits : int or None
        As the user chose; see `AncillaryOptions`.
    """
    named = _named_bits(header)
    if bad_bits is not None and (named or role == "flags"):
        return bad_bits
    if named:
        return sum(1 << bit for bit in {named[name] for name in _LSST_BAD if name in named})
    jwst = "JWST" in (header.text("TELESCOP").upper(), first.text("TELESCOP").upper())
    return 1 if jwst and role == "flags" else None


def bad_pixels(values: NDArray[np.generic], bits: int | None) -> NDArray[np.bool_]:
    """Return which pixels of a mask or of a map of flags are bad.

    Those with one of the bits, or, without these, all but zero.
    """
    if bits is None or values.dtype.kind == "f":
        return np.asarray(values != 0)
    return np.asarray(values.astype(np.int64, copy=False) & bits != 0)


def _named_bits(header: Header) -> dict[str, int]:
    """Return the bits that keywords such as ``MP_BAD`` name, long ones behind HIERARCH."""
    if not isinstance(header.cards, HeaderCards):
        return {}
    return {
        match[1].decode(): int(match[2])
        for match in _MASK_PLANE.finditer(header.cards.raw)
        if int(match[2]) < 63
    }


def noise_role(header: Header, role: Role) -> Role:
    """Return what a noise map holds.

    As its name says, unless the header says otherwise by UTYPE, as `astropy.nddata.CCDData` writes.
    """
    kinds: dict[str, Role] = {
        "StdDevUncertainty": "sigma",
        "VarianceUncertainty": "variance",
        "InverseVariance": "ivar",
    }
    return kinds.get(header.text("UTYPE"), role) if role in NOISE_ROLES else role


def apply_ancillary(found: PixelPlanes, layers: Sequence[AncillaryPlane]) -> PixelPlanes:
    """Return pixels with what accompanies them.

    Masked pixels are NaN, and so are those whose noise is no positive number. Noise stays only
    where every band has it.

    Parameters
    ----------
    found : PixelPlanes
        Not written to.
    layers : sequence of AncillaryPlane
        Of what comes twice, such as the noise of a band, the last counts; what any mask marks is
        bad.

    Raises
    ------
    CutoutError
        If a companion has another size than the image, or planes that do not go with its bands.
    """
    pixels = found.pixels.copy()
    noise: list[NDArray[np.float32] | None] = (
        [None] * len(pixels) if found.noise is None else list(found.noise)
    )
    segments = found.segmentation
    for layer in layers:
        role, band = layer.role, layer.band
        planes = _fitted(layer, pixels.shape)
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
    return PixelPlanes(
        pixels,
        found.bands,
        found.named,
        np.stack(known) if len(known) == len(noise) else None,
        segments,
    )


def _fitted(layer: AncillaryPlane, shape: tuple[int, ...]) -> NDArray[np.generic]:
    role, band, values, file = layer
    what = _WORDS[role] + (f" ({file})" if file else "")
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
    """Return the standard deviation that a noise map means; NaN where it is no positive number."""
    wide = planes.astype(np.float64)
    with np.errstate(all="ignore"):
        if role != "sigma":
            wide = np.sqrt(wide)
        if role == "ivar":
            wide = 1 / wide
        sigma = wide.astype(np.float32)
    return np.where(np.isfinite(sigma) & (sigma > 0), sigma, np.float32(np.nan))


def segment_labels(plane: NDArray[Any]) -> NDArray[np.int32]:
    """Return the numbers of objects as int32.

    Raises
    ------
    CutoutError
        If they are no whole numbers, or too large.
    """
    if plane.dtype.kind == "f":
        plane = np.where(np.isfinite(plane), plane, 0)
        if (plane != np.round(plane)).any():
            raise CutoutError(
                "its segmentation map holds numbers with decimals where the numbers of objects "
                "should stand"
            )
    if plane.size and (plane.max() > _HIGHEST or plane.min() < -_HIGHEST):
        raise CutoutError("its segmentation map holds numbers beyond 32 bits")
    return plane.astype(np.int32)
