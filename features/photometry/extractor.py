"""Photometry: fluxes, asinh magnitudes, colors and color gradients of linear cutouts."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features.base import MaskedVectors, default_bands
from galfeat.features.noise import MonteCarlo, sky_mask
from galfeat.features.photometry.columns import BAD, FLAGS, NOTES, flag_bits, scalars_of
from galfeat.features.photometry.images import LinearImage
from galfeat.features.photometry.magnitudes import (
    POGSON,
    SOFTENING,
    asinh_magnitude,
    asinh_magnitude_error,
)
from galfeat.features.photometry.measuring import (
    KRON_FACTOR,
    Aperture,
    Band,
    Source,
    find,
    light_in,
    measure_bands,
)
from galfeat.features.scalars import MaskedColumn, Scalar, ScalarTable, unmeasured
from galfeat.features.settings import number, whole
from galfeat.features.transformer import Transformer

__all__ = ["Photometry"]

_TOTAL = 2.0  # Petrosian radii of the Petrosian aperture
_RINGS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the color gradient, in Petrosian radii
_CLEAR = 3.0  # errors that a ring's light must exceed
_MOST_MISSING = 0.05  # of an aperture
_NOT_LINEAR = "not_linear"

Measured = tuple[float, float]
"""A number and its error."""


class Photometry(Transformer):
    """Total and matched aperture fluxes, asinh magnitudes, colors and color gradients.

    The source, its ellipse, its Petrosian and its Kron radius are found on the detection image, the
    mean of the bands in units of their noise; all bands are measured in the same apertures.

    Parameters
    ----------
    apertures : sequence of float, default (0.25, 0.5, 1.0)
        Major semi-axes of the matched apertures, in elliptical Petrosian radii.
    threshold : float, default 3.0
        How far the source stands above the sky, in deviations of the smoothed detection image.
    draws : int, default 32
        Repeated exposures by which the errors of positions, ellipticity, radii and of the fluxes in
        apertures that follow the radii are measured. With 0 the former have no errors, and those of
        fluxes are for the aperture as it is. Colors and gradients need no repeats.
    random_state : int, default 0
        Seed of the repeats.

    Notes
    -----
    The sky of a band is the clipped mean beyond both total apertures. The error of a flux is the
    noise of its pixels, their correlation measured on the sky, and the error of the sky's level;
    repeated exposures add that the aperture follows the noise. Light on bad pixels and other
    sources is replaced by that of the pixel opposite of the center. A Petrosian flux is that within
    2 Petrosian radii: of an exponential disk 99.4 %, of a de Vaucouleurs profile 83 % of all light
    (Graham et al. 2005).

    References
    ----------
    Petrosian 1976, ApJ 210, L53, doi:10.1086/182253; Kron 1980, ApJS 43, 305, doi:10.1086/190669;
    Lupton, Gunn and Szalay 1999, AJ 118, 1406, doi:10.1086/301004; Graham et al. 2005, AJ 130,
    1535, doi:10.1086/444475

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features.photometry import LinearImage, Photometry
    >>> y, x = np.indices((64, 64)) - 31.5
    >>> disk = 100 * np.exp(-np.hypot(x, y) / 3)
    >>> noise = np.random.default_rng(0).normal(size=(64, 64))
    >>> table = Photometry().measure_scalars([LinearImage((disk + noise)[None])], bands=["g"])
    >>> print(abs(table.column("g_flux_petro")[0] / (200 * np.pi * 9) - 1) < 0.05)
    True
    """

    def __init__(
        self,
        apertures: Sequence[float] = (0.25, 0.5, 1.0),
        *,
        threshold: float = 3.0,
        draws: int = 32,
        random_state: int = 0,
    ) -> None:
        self.apertures = apertures
        self.threshold = threshold
        self.draws = draws
        self.random_state = random_state

    def scalars(
        self,
        bands: Sequence[str],
        pixel_units: Sequence[str] = (),
        flux_units: Sequence[str] = (),
    ) -> tuple[Scalar, ...]:
        """Return the columns for images with these bands.

        Parameters
        ----------
        bands : sequence of str
        pixel_units, flux_units : sequence of str
            Unit of each band's pixels and of their sums; unless given, the columns name none.
        """
        repeats = self.draws > 1
        return scalars_of(bands, self._parts(), pixel_units, flux_units, repeats=repeats)

    def feature_names(self, bands: Sequence[str]) -> list[str]:
        """Return the names of the columns of `transform`: colors and gradients."""
        return [scalar.name for scalar in self.scalars(bands) if scalar.feature]

    def measure_scalars(
        self,
        images: Sequence[LinearImage],
        *,
        bands: Sequence[str] | None = None,
        errors: bool = True,
    ) -> ScalarTable:
        """Measure galaxies.

        Parameters
        ----------
        images : sequence of LinearImage
            With the same bands; their sides may differ.
        bands : sequence of str, optional
            Names of the bands; ``band1``, ``band2``, … unless given.
        errors : bool, default True
            Whether the table has errors.

        Returns
        -------
        ScalarTable
            Fluxes are in the unit of each band's pixels. What cannot be measured is masked, and the
            reasons say why.

        Raises
        ------
        UsageError
            If the images have different bands, or a setting makes no sense.
        """
        names = self._names(images, bands)
        scalars = self.scalars(names)
        place = {scalar.name: k for k, scalar in enumerate(scalars)}
        values = np.full((len(images), len(scalars)), np.nan)
        spreads = np.full(values.shape, np.nan)
        reasons = []
        for row, image in enumerate(images):
            measured, flags = self._measure_one(image, names, errors and self.draws > 1)
            for name, (value, error) in measured.items():
                column = place[name]
                values[row, column] = value
                spreads[row, column] = error if scalars[column].error else np.nan
            bits = flag_bits(flags)
            values[row, place["flags"]] = bits
            values[row, place["quality"]] = 2 if bits & BAD else (1 if bits & ~NOTES else 0)
            reasons.append(tuple(about for name, (_, about) in FLAGS.items() if name in flags))
        spreads[~np.isfinite(values)] = np.nan
        return ScalarTable(
            scalars, unmeasured(values), unmeasured(spreads) if errors else None, tuple(reasons)
        )

    def fit(self, X: Sequence[LinearImage], y: object = None) -> "Photometry":
        """Check the settings; nothing is learned."""
        del X, y
        self._parts()
        return self

    def transform(
        self, X: Sequence[LinearImage], bands: Sequence[str] | None = None
    ) -> MaskedVectors:
        """Return colors and gradients, shape (n, k), masked where they could not be measured."""
        table = self.measure_scalars(X, bands=bands, errors=False)
        return _features(table.scalars, table.values)

    def transform_errors(
        self, X: Sequence[LinearImage], bands: Sequence[str] | None = None
    ) -> MaskedVectors:
        """Return the errors of `transform`, shape (n, k)."""
        table = self.measure_scalars(X, bands=bands)
        assert table.errors is not None
        return _features(table.scalars, table.errors)

    def _parts(self) -> tuple[float, ...]:
        number("threshold", self.threshold, 0.0)
        whole("draws", self.draws, 0)
        whole("random_state", self.random_state, 0)
        parts = tuple(self.apertures)
        if not parts or not all(
            isinstance(part, (int, float)) and 0 < part < math.inf for part in parts
        ):
            raise UsageError(
                f"apertures must be positive numbers of Petrosian radii; they are {self.apertures}"
            )
        return parts

    def _names(self, images: Sequence[LinearImage], bands: Sequence[str] | None) -> tuple[str, ...]:
        if not images:
            raise UsageError("give at least one image")
        counts = {len(image.pixels) for image in images}
        if len(counts) > 1:
            raise UsageError(f"images must have the same bands; they have {sorted(counts)}")
        count = counts.pop()
        names = default_bands(count) if bands is None else tuple(bands)
        if len(names) != count:
            raise UsageError(f"bands must be the names of {count} bands; they are {names}")
        return names

    def _measure_one(
        self, image: LinearImage, bands: Sequence[str], repeat: bool
    ) -> tuple[dict[str, Measured], set[str]]:
        if _NOT_LINEAR in image.flags:
            return {}, {*image.flags}
        zero_points = image.zero_points or (None,) * len(bands)
        stated = {
            f"{name}_zero_point": (point, math.nan)
            for name, point in zip(bands, zero_points, strict=True)
            if point is not None
        }
        source = find(image.pixels, image.noise, self.threshold)
        if source is None:
            return stated, {*image.flags, "no_source"}
        flags = {*image.flags, "at_edge"} if source.at_edge else {*image.flags}
        middle = round(source.ellipse.y), round(source.ellipse.x)
        if not np.isfinite(image.pixels[(slice(None), *middle)]).all():
            flags.add("center_masked")
        if math.isnan(source.petrosian):
            flags.add("no_petrosian_radius")
        if math.isnan(source.kron):
            flags.add("no_kron_radius")
        measured = measure_bands(image.pixels, image.noise, source)
        found = stated | {name: (value, math.nan) for name, value in _geometry(source).items()}
        for band, name in zip(measured, bands, strict=True):
            _measure_fluxes(band, name, source, self._parts(), found, flags)
        if repeat:
            found.update(self._repeated(image, bands, found))
        if (scale := image.pixel_scale) is not None:
            for name in ("r_petro", "r_kron"):
                radius, error = found[name]
                found[f"{name}_arcsec"] = radius * scale, error * scale
        for name, zero_point in zip(bands, zero_points, strict=True):
            _measure_magnitudes(name, zero_point, found, flags)
        if not math.isnan(source.petrosian):
            for k, (one, two) in enumerate(pairwise(bands)):
                pair = measured[k], measured[k + 1]
                points = zero_points[k : k + 2]
                _measure_pair(pair, points, source, f"{one}_{two}", found, flags)
        return found, flags

    def _repeated(
        self, image: LinearImage, bands: Sequence[str], found: dict[str, Measured]
    ) -> dict[str, Measured]:
        """Return geometry and fluxes with the scatter of repeated exposures as errors."""
        unscattered = ("_sky", "_sky_sigma", "_zero_point")
        names = [name for name in found if not name.endswith(unscattered)]
        noise = None if image.noise is None else np.asarray(image.noise, dtype=float)
        skies = [sky_mask(plane) for plane in image.pixels]

        def again(row: int, exposures: NDArray[np.float32]) -> NDArray[np.float64]:
            del row
            numbers = np.full((len(exposures), len(names)), np.nan)
            for k, pixels in enumerate(exposures):
                source = find(pixels, noise, self.threshold)
                if source is None:
                    continue
                measured = {name: (value, 0.0) for name, value in _geometry(source).items()}
                planes = measure_bands(pixels, noise, source, skies)
                for band, name in zip(planes, bands, strict=True):
                    _measure_fluxes(band, name, source, self._parts(), measured, set())
                numbers[k] = [measured.get(name, (np.nan, 0.0))[0] for name in names]
            return numbers

        repeats = MonteCarlo("linear", self.draws, self.random_state)
        pixels = np.asarray(image.pixels, dtype=np.float32)
        maps = None if noise is None else noise[None]
        errors = repeats.errors(pixels[None], maps, again)[0]
        return {
            name: (found[name][0], float(error)) for name, error in zip(names, errors, strict=True)
        }


def _geometry(source: Source) -> dict[str, float]:
    ellipse = source.ellipse
    return {
        "x": ellipse.x,
        "y": ellipse.y,
        "ellipticity": 1 - ellipse.ratio,
        "orientation": ellipse.theta,
        "r_petro": source.petrosian,
        "r_kron": source.kron,
    }


def _of_radius(source: Source, radius: float) -> Aperture:
    ellipse = source.ellipse
    return Aperture(ellipse.x, ellipse.y, radius, ellipse.ratio, ellipse.theta)


def _measure_fluxes(
    band: Band,
    name: str,
    source: Source,
    parts: Sequence[float],
    found: dict[str, Measured],
    flags: set[str],
) -> None:
    """Add the sky of a band and its fluxes in all apertures, with errors for the aperture."""
    if math.isnan(band.sigma):
        flags.add("no_sky")
        return
    found[f"{name}_sky"] = band.sky, band.sky_error
    found[f"{name}_sky_sigma"] = band.sigma, math.nan
    apertures = {
        "petro": _TOTAL * source.petrosian,
        "kron": KRON_FACTOR * source.kron,
        **{f"aper{k}": part * source.petrosian for k, part in enumerate(parts, 1)},
    }
    largest = max((radius for radius in apertures.values() if radius > 0), default=0.0)
    if band.masked and (band.bad & _of_radius(source, largest).contains(band.bad.shape)).any():
        flags.add("pixels_filled")
    for which, radius in apertures.items():
        if not radius > 0:
            continue
        flux, error, missing = light_in(band, _of_radius(source, radius))
        if missing > _MOST_MISSING:
            flags.add("aperture_cut")
            continue
        found[f"{name}_flux_{which}"] = flux, error


def _measure_magnitudes(
    name: str, zero_point: float | None, found: dict[str, Measured], flags: set[str]
) -> None:
    """Add the asinh magnitudes of a band's total fluxes."""
    if zero_point is None:
        flags.add("no_zero_point")
        return
    totals = {which: found.get(f"{name}_flux_{which}") for which in ("petro", "kron")}
    known = [total for total in totals.values() if total is not None and total[1] > 0]
    if not known:
        return
    softening = SOFTENING * known[0][1]
    found[f"{name}_softening"] = softening, math.nan
    for which, total in totals.items():
        if total is not None:
            found[f"{name}_mag_{which}"] = (
                asinh_magnitude(total[0], softening, zero_point),
                asinh_magnitude_error(*total, softening),
            )


def _measure_pair(
    bands: tuple[Band, Band],
    zero_points: Sequence[float | None],
    source: Source,
    name: str,
    found: dict[str, Measured],
    flags: set[str],
) -> None:
    if any(math.isnan(band.sigma) for band in bands):
        return
    matched = _of_radius(source, source.petrosian)
    if all(point is not None for point in zero_points):
        magnitudes, errors = [], []
        for band, point in zip(bands, zero_points, strict=True):
            flux, error, missing = light_in(band, matched)
            if missing > _MOST_MISSING or not error > 0:
                flags.add("aperture_cut")
                break
            magnitudes.append(asinh_magnitude(flux, SOFTENING * error, point or 0.0))
            errors.append(asinh_magnitude_error(flux, error, SOFTENING * error))
        else:
            found[f"{name}_color"] = magnitudes[0] - magnitudes[1], math.hypot(*errors)
    gradient = _gradient(bands, matched)
    if gradient is None:
        flags.add("faint_color")
    else:
        found[f"{name}_gradient"] = gradient


def _gradient(bands: tuple[Band, Band], matched: Aperture) -> Measured | None:
    """Return the slope of the color against the logarithm of the radius, by weighted least squares.

    It needs no zero point. None where fewer than two rings are clear of the noise.
    """
    places, colors, weights = [], [], []
    for low, high in pairwise(_RINGS):
        ring = matched.scaled(high)
        (one, one_error, _), (two, two_error, _) = (
            light_in(band, ring, low / high) for band in bands
        )
        if one > _CLEAR * one_error > 0 and two > _CLEAR * two_error > 0:
            places.append(0.5 * math.log10(0.5 * (low**2 + high**2)))
            colors.append(-POGSON * math.log(one / two))
            weights.append(1 / (POGSON**2 * ((one_error / one) ** 2 + (two_error / two) ** 2)))
    if len(places) < 2:
        return None
    x, y, w = np.array(places), np.array(colors), np.array(weights)
    x = x - (w * x).sum() / w.sum()
    squares = (w * x * x).sum()
    return float((w * x * y).sum() / squares), float(1 / math.sqrt(squares))


def _features(scalars: Sequence[Scalar], columns: MaskedColumn) -> MaskedVectors:
    kept = columns[:, [scalar.feature for scalar in scalars]]
    return np.ma.MaskedArray(kept.data.astype(np.float32), mask=np.ma.getmaskarray(kept))
