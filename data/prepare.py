"""From pixel values to what an extractor eats: one size, sky at zero, noise at one, bright light compressed.

The steps stand in `resample` (the grid) and `sky` (level and noise); here they are put in order: grid, sky, noise, stretch. Sky and
noise are measured on the new grid, so that there the sky really scatters by one. Each band of each cutout is prepared on its own: the
result depends on nothing else in the batch.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout, Cutouts
from galfeat.data.resample import area_resample, centred
from galfeat.data.sky import quantum, sky_and_noise

__all__ = ["Preparation", "prepare", "prepare_one"]

_SMALLEST = 8  # pixels: below that an image has no frame and no inside
_LARGEST = 4096  # pixels: a batch of larger ones does not fit into any memory
_NEEDED = 0.5  # of the pixels of a band must be good
_MOST_ENLARGED = 4  # times: a smaller cutout would be mostly repeated pixels


@dataclass(frozen=True)
class Preparation:
    """How cutouts are brought to one grid and one scale.

    Parameters
    ----------
    size : int
        Side of the prepared image, pixels; at least 8.
    fit : {"resample", "crop"}
        "resample" takes the centred square of the cutout and averages it onto `size` pixels by area; "crop" cuts the central `size`
        pixels and changes no value.
    stretch : {"asinh", "none"}
        "asinh" gives asinh(flux / noise), "none" gives flux / noise; ``sinh`` of the first is the second.
    border : float
        Width of the frame in which sky and noise are measured, in sides of the image; in (0, 0.5].

    Raises
    ------
    UsageError
        If a setting is outside its range.

    Examples
    --------
    >>> Preparation(size=32).as_dict()
    {'size': 32, 'fit': 'resample', 'stretch': 'asinh', 'border': 0.1}
    """

    size: int = 64
    fit: Literal["resample", "crop"] = "resample"
    stretch: Literal["asinh", "none"] = "asinh"
    border: float = 0.1

    def __post_init__(self) -> None:
        if not isinstance(self.size, Integral) or isinstance(self.size, bool) or not _SMALLEST <= self.size <= _LARGEST:
            raise UsageError(f"size must be a whole number of pixels from {_SMALLEST} to {_LARGEST}; it is {self.size!r}")
        if self.fit not in ("resample", "crop"):
            raise UsageError(f"fit must be 'resample' or 'crop'; it is {self.fit!r}")
        if self.stretch not in ("asinh", "none"):
            raise UsageError(f"stretch must be 'asinh' or 'none'; it is {self.stretch!r}")
        if not isinstance(self.border, Real) or not 0 < self.border <= 0.5:
            raise UsageError(f"border must be a number above 0 and at most 0.5; it is {self.border!r}")
        object.__setattr__(self, "size", int(self.size))
        object.__setattr__(self, "border", float(self.border))

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for a file's header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Preparation":
        """Return the preparation that `as_dict` described.

        Raises
        ------
        UsageError
            If a setting is unknown, missing or outside its range.
        """
        names = [field.name for field in fields(cls)]
        unknown = [str(name) for name in settings if name not in names]
        missing = [name for name in names if name not in settings]
        if unknown or missing:
            said = [f"unknown {', '.join(unknown)}"] * bool(unknown) + [f"missing {', '.join(missing)}"] * bool(missing)
            raise UsageError(f"settings of the preparation: {'; '.join(said)}; they are {', '.join(names)}")
        return cls(**settings)

    @property
    def frame_width(self) -> int:
        """Width of the frame in which sky and noise are measured, pixels."""
        return max(1, round(self.border * self.size))


def prepare(cutouts: Cutouts | Iterable[Cutout], preparation: Preparation = Preparation()) -> Cutouts:
    """Bring cutouts to one size, with the sky at zero and its noise at one.

    Parameters
    ----------
    cutouts : Cutouts or iterable of Cutout
        Pixels in any flux unit and on any sky; of single cutouts, each may have its own size. The bands of the first count for all.
    preparation : Preparation
        The settings.

    Returns
    -------
    Cutouts
        Pixels of shape (n, bands, size, size). Bad pixels are NaN. A batch keeps its catalogue; noise maps end here, since the noise
        is one now.

    Raises
    ------
    CutoutError
        If some cutouts cannot be prepared; ``reasons`` has their rows.
    UsageError
        If there are no cutouts.

    Examples
    --------
    >>> from galfeat.data import prepare, simulate
    >>> prepare(simulate(5), Preparation(size=32)).pixels.shape
    (5, 3, 32, 32)
    """
    single = list(_singles(cutouts))
    bands = cutouts.bands if isinstance(cutouts, Cutouts) else single[0].bands if single else ()
    if not bands:
        raise UsageError("there are no cutouts to prepare")
    pixels = np.empty((len(single), len(bands), preparation.size, preparation.size), dtype=np.float32)
    reasons: dict[int, str] = {}
    for row, cutout in enumerate(single):
        try:
            pixels[row] = prepare_one(cutout.select(bands), preparation)
        except CutoutError as error:
            reasons[row] = str(error)
    if reasons:
        raise CutoutError(reasons)
    catalog = cutouts.catalog if isinstance(cutouts, Cutouts) else None
    return Cutouts(pixels, tuple(cutout.id for cutout in single), bands, catalog=catalog)


def _singles(cutouts: Cutouts | Iterable[Cutout]) -> Iterator[Cutout]:
    if isinstance(cutouts, Cutouts):
        return (Cutout(name, image, cutouts.bands) for name, image in zip(cutouts.ids, cutouts.pixels, strict=True))
    return iter(cutouts)


def prepare_one(cutout: Cutout, preparation: Preparation) -> NDArray[np.float32]:
    """Prepare one cutout.

    Parameters
    ----------
    cutout : Cutout
    preparation : Preparation

    Returns
    -------
    array of float32, shape (bands, size, size)
        Bad pixels are NaN.

    Raises
    ------
    CutoutError
        If the cutout is too small, or a band has no good pixel, too few of them, or only one value.
    """
    _refuse_small(cutout.pixels.shape[1:], preparation)
    prepared = np.empty((len(cutout.bands), preparation.size, preparation.size), dtype=np.float32)
    for number, band in enumerate(cutout.bands):
        try:
            prepared[number] = _prepare_band(cutout.pixels[number], preparation)
        except CutoutError as error:
            raise CutoutError(f"band {band} {error}") from None
    return prepared


def _refuse_small(shape: tuple[int, ...], preparation: Preparation) -> None:
    crops = preparation.fit == "crop"
    least = preparation.size if crops else math.ceil(preparation.size / _MOST_ENLARGED)
    if min(shape) < least:
        aim = "crop" if crops else "fill"
        raise CutoutError(
            f"{shape[0]} x {shape[1]} pixels; at least {least} x {least} are needed to {aim} {preparation.size} x {preparation.size}"
        )


def _prepare_band(image: NDArray[np.float32], preparation: Preparation) -> NDArray[np.float64]:
    side = preparation.size if preparation.fit == "crop" else min(image.shape)
    native = centred(image, side)
    values = native[np.isfinite(native)]
    if values.size == 0:
        raise CutoutError("has no good pixel")
    if values.min() == values.max():
        raise CutoutError("is constant")
    with np.errstate(invalid="ignore"):  # a signalling NaN is a bad pixel like any other
        wide = native.astype(np.float64)
    fitted = wide if side == preparation.size else area_resample(wide, preparation.size)
    good = np.isfinite(fitted)
    if np.count_nonzero(good) < _NEEDED * good.size:
        raise CutoutError(f"has only {100 * good.mean():.0f} % good pixels; at least half are needed")
    lag = 1 + math.ceil(max(1.0, preparation.size / side))  # new pixels nearer than that share an old one
    sky, noise = sky_and_noise(fitted, preparation.frame_width, quantum(values), lag)
    if not noise:
        raise CutoutError("has one value nearly everywhere: no noise to measure the light by")
    flux = np.where(good, (fitted - sky) / noise, np.nan)
    return np.arcsinh(flux) if preparation.stretch == "asinh" else flux
