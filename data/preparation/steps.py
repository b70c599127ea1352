"""Preparation of cutouts, step by step: center, resample, subtract the sky, scale, stretch.

The steps are `segmentation` and `centering` (find the galaxy, where the settings ask for it),
`resampling` (the grid) and `band_sky` (sky and noise); here they are put in order: neighbors,
center and scale, grid, sky, noise, stretch. Sky and noise are measured on the new grid, so that its
sky really has unit scatter. Each band of each cutout is prepared independently, except that the
galaxy is found on all bands together: the result depends on nothing else in the batch.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout, Cutouts
from galfeat.data.memory import BUDGET
from galfeat.data.missing import describe_missing
from galfeat.data.preparation.band_sky import band_sky, good_values, resample
from galfeat.data.preparation.fast_path import prepare_batch_fast, prepare_fast
from galfeat.data.preparation.resampling import window_variance
from galfeat.data.preparation.settings import MOST_ENLARGED, Preparation
from galfeat.data.preparation.sky_noise import NUMBERS, SkyNoise
from galfeat.data.preparation.window import Window

__all__ = [
    "Preparation",
    "prepare",
    "prepare_each",
    "prepare_one",
    "prepared_noise",
    "working_bytes",
]

_MIN_GOOD = 0.5  # fraction of good pixels that a band needs
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_LARGE = 4 << 20  # bytes of pixels: larger cutouts are prepared one by one, in reserved memory
# Bytes a pixel: of one band at a time, of its noise map; and where the galaxy is looked for, of
# that, and of each band.
_BAND_BYTES, _MAP_BYTES, _FINDING_BYTES, _MOVED_BYTES = 14, 20, 64, 16


def prepare(cutouts: Cutouts | Iterable[Cutout], preparation: Preparation | None = None) -> Cutouts:
    """Bring cutouts to one size, with the sky at zero and its noise at one.

    Parameters
    ----------
    cutouts : Cutouts or iterable of Cutout
        Pixels in any flux unit and on any sky; single cutouts may differ in size. All must have the
        bands of the first.
    preparation : Preparation, optional
        The settings; by default ``Preparation()``.

    Returns
    -------
    Cutouts
        Pixels of shape (n, bands, size, size). Bad pixels are NaN. A batch keeps its catalog; noise
        maps are dropped, since the noise is one now, and so are segmentation maps, which belong to
        the old grid.

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
    preparation = preparation or Preparation()
    single = list(_split_batch(cutouts))
    bands = cutouts.bands if isinstance(cutouts, Cutouts) else single[0].bands if single else ()
    if not bands:
        raise UsageError("there are no cutouts to prepare")
    pixels, reasons = prepare_each(single, bands, preparation)
    if reasons:
        raise CutoutError(reasons)
    catalog = cutouts.catalog if isinstance(cutouts, Cutouts) else None
    return Cutouts(pixels, tuple(cutout.id for cutout in single), bands, catalog=catalog)


def prepare_each(
    cutouts: Sequence[Cutout],
    bands: Sequence[str],
    preparation: Preparation,
    notes: dict[int, str] | None = None,
    skies: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float32], dict[int, str]]:
    """Prepare cutouts as `prepare_one` does, but faster; a bad cutout affects no other.

    Parameters
    ----------
    cutouts : sequence of Cutout
        Of any sizes.
    bands : sequence of str
        Bands to prepare, in this order.
    preparation : Preparation
    notes : dict of int to str, optional
        Receives remarks on cutouts that were prepared, by row: missing data, photon counts.
    skies : array of float64, shape (n, bands, 4), optional
        Receives the numbers of `galfeat.data.preparation.sky_noise.SkyNoise` of cutouts that were
        prepared: sky, noise by which the light was divided, correlation in rows and columns.

    Returns
    -------
    pixels : array of float32, shape (n, bands, size, size)
        Bad pixels are NaN; the rows of cutouts that cannot be prepared are not set.
    reasons : dict of int to str
        Why they cannot, by row.
    """
    pixels = np.empty(
        (len(cutouts), len(bands), preparation.size, preparation.size), dtype=np.float32
    )
    if skies is None:
        skies = np.empty((*pixels.shape[:2], NUMBERS))
    reasons: dict[int, str] = {}
    chosen: dict[int, Cutout] = {}
    for row, cutout in enumerate(cutouts):
        try:
            chosen[row] = cutout.select(bands)
        except CutoutError as error:
            reasons[row] = str(error)
    large = {row: cutout for row, cutout in chosen.items() if cutout.pixels.nbytes > _LARGE}
    small = {row: cutout for row, cutout in chosen.items() if row not in large}
    left = [
        row
        for shape, rows in _by_shape(small).items()
        for row in _prepare_same_shape(shape, rows, chosen, preparation, pixels, skies)
    ]
    counting: dict[int, list[str]] = {}
    for row in (*left, *large):
        counted: list[str] = []
        try:
            with BUDGET.reserve(working_bytes(chosen[row], preparation) if row in large else 0):
                pixels[row] = prepare_one(chosen[row], preparation, counted, skies[row])
        except CutoutError as error:
            reasons[row] = str(error)
        if counted:
            counting[row] = counted
    if notes is not None:
        notes.update(_notes(chosen, counting, reasons))
    return pixels, reasons


def working_bytes(cutout: Cutout, preparation: Preparation) -> int:
    """Return an upper bound of the memory that preparing a cutout takes beside its pixels."""
    bands, ny, nx = cutout.pixels.shape
    each = _BAND_BYTES + _MAP_BYTES * preparation.noise.startswith("map")
    moved = preparation.moves or preparation.neighbors == "mask"
    needed: int = ny * nx * (each + moved * (_FINDING_BYTES + _MOVED_BYTES * bands))
    return needed


def _notes(
    cutouts: Mapping[int, Cutout], counting: Mapping[int, list[str]], reasons: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """Yield what is to be said of cutouts that were prepared."""
    for row, cutout in cutouts.items():
        if row not in reasons and (cutout.missing or row in counting):
            words = [_missing(cutout)] if cutout.missing else []
            if row in counting:
                words.append(
                    f"sky and noise of band {', '.join(counting[row])} are those of Poisson's "
                    "distribution: it counts photons, and most pixels have none"
                )
            yield row, "; ".join(words)


def _missing(cutout: Cutout) -> str:
    return describe_missing(cutout.missing, cutout.bands, cutout.pixels[0].size)


def _by_shape(cutouts: Mapping[int, Cutout]) -> dict[tuple[int, ...], list[int]]:
    rows: dict[tuple[int, ...], list[int]] = {}
    for row, cutout in cutouts.items():
        rows.setdefault(cutout.pixels.shape[1:], []).append(row)
    return rows


def _prepare_same_shape(
    shape: tuple[int, ...],
    rows: list[int],
    cutouts: Mapping[int, Cutout],
    preparation: Preparation,
    pixels: NDArray[np.float32],
    skies: NDArray[np.float64],
) -> Sequence[int]:
    """Prepare cutouts of one shape by the fast path, and return the rows of the others."""
    if min(shape) < _min_side(preparation):
        return rows
    whole = len(rows) == len(pixels)
    out = pixels if whole else np.empty((len(rows), *pixels.shape[1:]), dtype=np.float32)
    found = skies if whole else np.empty((len(rows), *skies.shape[1:]))
    done = prepare_batch_fast([cutouts[row].pixels for row in rows], preparation, out, found)
    if not whole:
        pixels[np.array(rows)[done]], skies[np.array(rows)[done]] = out[done], found[done]
    return [row for row, ready in zip(rows, done.tolist(), strict=True) if not ready]


def _split_batch(cutouts: Cutouts | Iterable[Cutout]) -> Iterator[Cutout]:
    if not isinstance(cutouts, Cutouts):
        return iter(cutouts)
    none = [None] * len(cutouts)
    rows = zip(
        cutouts.ids, cutouts.pixels, none if cutouts.noise is None else cutouts.noise, strict=True
    )
    maps = none if cutouts.segmentation is None else cutouts.segmentation
    return (
        Cutout(
            name,
            image,
            cutouts.bands,
            noise=noise,
            segmentation=segments,
            picture=cutouts.picture,
        )
        for (name, image, noise), segments in zip(rows, maps, strict=True)
    )


def prepare_one(
    cutout: Cutout,
    preparation: Preparation,
    counting: list[str] | None = None,
    skies: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Prepare one cutout.

    Parameters
    ----------
    cutout : Cutout
    preparation : Preparation
    counting : list of str, optional
        Receives the bands that are photon counts, mostly of zeros, whose sky and noise are those of
        Poisson's distribution.
    skies : array of float64, shape (bands, 4), optional
        Receives the numbers of `galfeat.data.preparation.sky_noise.SkyNoise`.

    Returns
    -------
    array of float32, shape (bands, size, size)
        Bad pixels are NaN.

    Raises
    ------
    CutoutError
        If the cutout is too small; a band has no good pixel, too few of them, only one value, or no
        noise map where one is required; or no object is detected near the center where the
        preparation depends on one.
    """
    shape = cutout.pixels.shape[1:]
    _check_size(shape, preparation)
    pixels, window = cutout.pixels, Window.whole(shape, preparation)
    if preparation.moves or preparation.neighbors == "mask":
        # imported late: scipy.ndimage, which the default settings do not need
        from galfeat.data.preparation.centering import center_on_galaxy

        pixels, window = center_on_galaxy(cutout, preparation)
    else:
        prepared = prepare_fast(pixels, window, preparation, skies)
        if prepared is not None:
            return prepared
    prepared = np.empty((len(cutout.bands), preparation.size, preparation.size), dtype=np.float32)
    for number, band in enumerate(cutout.bands):
        noise = None if cutout.noise is None else cutout.noise[number]
        try:
            found, counted = _prepare_band(
                prepared[number],
                pixels[number],
                noise,
                window,
                preparation,
                picture=cutout.picture,
            )
        except CutoutError as error:
            also = f" ({_missing(cutout)})" if any(cutout.missing[number : number + 1]) else ""
            raise CutoutError(f"band {band} {error}{also}") from None
        if skies is not None:
            skies[number] = found
        if counted and counting is not None:
            counting.append(band)
    return prepared


def prepared_noise(cutout: Cutout, preparation: Preparation) -> NDArray[np.float64] | None:
    """Return the noise map of a cutout as that of its prepared pixels, before the stretch.

    Parameters
    ----------
    cutout : Cutout
        One that `prepare_one` prepares.
    preparation : Preparation

    Returns
    -------
    array, shape (bands, size, size), or None
        Standard deviations in units of the noise by which the pixels were divided, for noise that
        is independent from pixel to pixel; NaN where unknown. None if there is no noise map.
    """
    if cutout.noise is None or not np.isfinite(cutout.noise).any():
        return None
    pixels, window = cutout.pixels, Window.whole(cutout.pixels.shape[1:], preparation)
    if preparation.moves or preparation.neighbors == "mask":
        from galfeat.data.preparation.centering import center_on_galaxy

        pixels, window = center_on_galaxy(cutout, preparation)
    size = preparation.size
    found = np.empty((len(pixels), size, size))
    for image, noise, out in zip(pixels, cutout.noise, found, strict=True):
        usable = np.isfinite(image) & np.isfinite(noise) & (noise > 0)
        variance = np.where(usable, noise.astype(np.float64), np.nan) ** 2
        sky, _ = band_sky(image, noise, window, preparation, picture=cutout.picture)
        out[...] = np.sqrt(window_variance(variance, window.corner, window.side, size)) / sky.sigma
    return found


def _check_size(shape: tuple[int, ...], preparation: Preparation) -> None:
    least = _min_side(preparation)
    if min(shape) < least:
        verb = "crop" if preparation.fit == "crop" else "fill"
        raise CutoutError(
            f"{shape[0]} x {shape[1]} pixels; at least {least} x {least} are needed to {verb} "
            f"{preparation.size} x {preparation.size}"
        )


def _min_side(preparation: Preparation) -> int:
    """Return the shortest side, pixels, of an image that can be prepared."""
    return (
        preparation.size
        if preparation.fit == "crop"
        else math.ceil(preparation.size / MOST_ENLARGED)
    )


def _prepare_band(
    out: NDArray[np.float32],
    image: NDArray[np.float32],
    noise_map: NDArray[np.float32] | None,
    window: Window,
    preparation: Preparation,
    *,
    picture: bool,
) -> tuple[SkyNoise, bool]:
    """Prepare a band into `out`; return its sky, and whether it is one of photon counts."""
    values = good_values(image, window)
    fitted = resample(image, window, preparation)
    good = np.isfinite(fitted)
    _check_good_fraction(good)
    found, counts = band_sky(
        image, noise_map, window, preparation, picture=picture, known=(values, fitted)
    )
    if not found.sigma:
        raise CutoutError("has one value nearly everywhere, so that its noise cannot be measured")
    if not good.all():
        fitted = np.where(good, fitted, np.nan)
    fitted -= found.sky
    fitted /= found.sigma
    if preparation.stretch == "asinh":
        np.arcsinh(fitted, out=fitted)
    else:
        fitted[np.abs(fitted) > _FLOAT32_MAX] = np.nan  # values beyond float32 are bad pixels
        _check_good_fraction(np.isfinite(fitted))
    out[...] = fitted
    return found, counts


def _check_good_fraction(good: NDArray[np.bool_]) -> None:
    if np.count_nonzero(good) < _MIN_GOOD * good.size:
        raise CutoutError(
            f"has only {100 * good.mean():.0f} % good pixels; at least half are needed"
        )
