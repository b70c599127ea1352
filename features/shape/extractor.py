"""Shape: the published quantities of galaxy morphology as an extractor."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import CutoutError, UsageError
from galfeat.features.base import default_bands
from galfeat.features.learned import LearnedExtractor
from galfeat.features.noise import MonteCarlo, as_noise
from galfeat.features.scalars import Scalar, ScalarTable, unmeasured
from galfeat.features.settings import choice, number, whole
from galfeat.features.shape import planes
from galfeat.features.shape.measurement import ShapeTable, all_scalars
from galfeat.features.shape.quantities import COLORS, DETAILS, QUANTITIES, SERSIC

__all__ = ["Shape"]

_STRETCHES = ("asinh", "linear")
_SMALLEST = 16  # pixels of a side
_COLOR = "color:"  # before the quantities of a pair of bands


class Shape(LearnedExtractor):
    """The published quantities of galaxy morphology, by their published definitions.

    Petrosian, half-light and other radii, concentration, asymmetries, smoothness, Gini, M20, their
    bulge and merger statistics, multimode, intensity and deviation, the ellipse of the second
    moments and a Sersic profile, of each band and of the detection image, the mean of the bands.

    Parameters
    ----------
    stretch : {"asinh", "linear"}, default "asinh"
        What was done to the light, in units of its noise: pixels are asinh(light), or light.
    sersic : bool, default True
        Whether a Sersic profile is fitted, without and with a point source in its middle.
    details : bool, default True
        Whether rings, their Fourier modes, colors, clumps and roughness are measured.
    threshold : float, default 3.0
        Detection threshold above the sky, in standard deviations of the smoothed detection image.
    outlier_sigma : float, default 10.0
        Deviations of its eight neighbors by which a pixel must differ from their mean to count as
        bad; 0 lets all pass.
    smallest_radius : float, default 1.5
        Radius of half of the light of the point spread, pixels: a source that is not larger is
        flagged as small.
    min_good : float, default 0.5
        Least fraction of good pixels in each band.

    Attributes
    ----------
    fill_values_ : array of float32, shape (k,)
        Value in a vector of a quantity that could not be measured: the median of the training
        galaxies where it could, and 0 where none could.

    Notes
    -----
    `measure` tells what was measured; `transform` gives vectors for networks, and a vector holds a
    number everywhere. So `transform` fills in what `fit` learned, and the last column of each
    plane, ``quality``, is 0 for a good measurement, 1 for a suspect and 2 for a bad one. Positions,
    the position angle, fluxes and the sky are measured, but not part of the vector.

    The definitions are statmorph's (Rodriguez-Gomez et al. 2019), and the numbers agree with it;
    see docs/shape.md for each of them and for what differs. All bands are measured on the source
    found in the detection image. Overlapping galaxies are one source: nothing is deblended.

    References
    ----------
    Conselice 2003, ApJS 147, 1, doi:10.1086/375001; Lotz, Primack and Madau 2004, AJ 128, 163,
    doi:10.1086/421849; Freeman et al. 2013, MNRAS 434, 282, doi:10.1093/mnras/stt1016;
    Wen, Zheng and An 2014, ApJ 787, 130, doi:10.1088/0004-637X/787/2/130;
    Pawlik et al. 2016, MNRAS 456, 3032, doi:10.1093/mnras/stv2878;
    Rodriguez-Gomez et al. 2019, MNRAS 483, 4140, doi:10.1093/mnras/sty3345

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import Shape
    >>> y, x = np.indices((64, 64)) - 31.5
    >>> disks = [np.arcsinh(100 * np.exp(-np.hypot(x, y) / size)) for size in (3, 4)]
    >>> Shape().fit_transform(np.array(disks)[:, None]).shape
    (2, 77)
    """

    key = "shape"

    def __init__(
        self,
        stretch: str = "asinh",
        *,
        sersic: bool = True,
        details: bool = True,
        threshold: float = 3.0,
        outlier_sigma: float = 10.0,
        smallest_radius: float = 1.5,
        min_good: float = 0.5,
    ) -> None:
        self.stretch = stretch
        self.sersic = sersic
        self.details = details
        self.threshold = threshold
        self.outlier_sigma = outlier_sigma
        self.smallest_radius = smallest_radius
        self.min_good = min_good

    @property
    def undoes_stretch(self) -> bool:
        """Return that it needs the light."""
        return True

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return, for each plane, ``plane_ellipticity`` and the like, last ``plane_quality``.

        After the planes come the colors of pairs of adjacent bands, ``g_r_color`` and the like.
        """
        self.check_shape(shape)
        return [scalar.name for scalar in self.scalars(bands) if scalar.feature]

    def scalars(self, bands: Sequence[str]) -> tuple[Scalar, ...]:
        """Return the columns of `measure_scalars` for images with these bands.

        For each plane its quantities, flags and quality, then the colors. Those with ``feature``
        are the vector, in its order.
        """
        return tuple(
            scalar
            for scalar, name in zip(
                all_scalars(_planes(bands), _pairs(bands)),
                _quantities(_planes(bands), _pairs(bands)),
                strict=True,
            )
            if self._measures(name)
        )

    def measure_scalars(
        self,
        X: ArrayLike,
        *,
        bands: Sequence[str] | None = None,
        segments: ArrayLike | None = None,
        errors: bool = False,
        noise: ArrayLike | None = None,
        draws: int = 32,
        random_state: int = 0,
    ) -> ScalarTable:
        """Measure every image, as a table of columns with a mask of what could not be measured.

        Parameters
        ----------
        X, bands, segments
            See `measure`.
        errors : bool, default False
            Whether to measure errors too, which takes about `draws` times as long. They are within
            10 % of the scatter for most quantities; docs/shape.md has the rest.
        noise, draws, random_state
            See `transform_errors`.

        Returns
        -------
        ScalarTable
            With the columns `scalars`.

        Raises
        ------
        CutoutError, UsageError
            See `measure`.
        """
        table = self.measure(X, bands=bands, segments=segments)
        measured = [self._measures(name) for name in _quantities(table.planes, table.pairs)]
        scalars = self.scalars(bands or default_bands(len(table.planes) - (len(table.planes) > 1)))
        found = None
        if errors:
            images = self._checked(X)
            maps = None if segments is None else _as_segments(segments, images.shape)
            repeats = MonteCarlo(
                choice("stretch", self.stretch, _STRETCHES),
                whole("draws", draws, 2),
                whole("random_state", random_state, 0),
            )

            def again(row: int, exposures: NDArray[np.float32]) -> NDArray[np.float64]:
                given: NDArray[np.uint8] | None = None
                if maps is not None:
                    given = np.repeat(maps[row : row + 1], len(exposures), axis=0)
                return self._table(exposures, given, table.planes[-exposures.shape[1] :]).matrix()

            numbers = repeats.errors(images, as_noise(noise, images.shape), again)[:, measured]
            numbers[:, [not scalar.error for scalar in scalars]] = np.nan
            found = unmeasured(numbers)
        return ScalarTable(
            scalars,
            unmeasured(table.matrix()[:, measured]),
            found,
            tuple(table.all_reasons(row) for row in range(len(table.values))),
        )

    def vectors(self, values: ArrayLike) -> NDArray[np.float32]:
        """Return vectors of the columns of a table, NaN where a value is masked.

        Parameters
        ----------
        values : masked array, shape (n, columns)
            Of a `ScalarTable`, with all its columns or those with ``feature`` alone.

        Returns
        -------
        array of float32, shape (n, k)
            What the training fold fills in where it is NaN: `transform` takes `fill_values_`.
        """
        given: Any = np.ma.asarray(values)
        filled = np.where(np.ma.getmaskarray(given), np.nan, given.data)
        with np.errstate(over="ignore"):
            out = filled.astype(np.float32)
        out[~np.isfinite(out)] = np.nan
        return out

    def measure(
        self,
        X: ArrayLike,
        *,
        segments: ArrayLike | None = None,
        bands: Sequence[str] | None = None,
    ) -> ShapeTable:
        """Measure every image; quantities that could not be measured are masked and flagged.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)
        segments : array of int, shape (n, ny, nx), optional
            Which pixels are sky (0), the source (1) or other sources (any other number). Unless
            given, the source is found on the detection image.
        bands : sequence of str, optional
            Names of the bands; ``band1``, ``band2``, … unless given.

        Returns
        -------
        ShapeTable

        Raises
        ------
        CutoutError
            If some rows have too few good pixels; its `reasons` are those of the method `reasons`.
        UsageError
            If `X` or the segments are not a batch of images, or a setting is invalid.
        """
        images = self._checked(X)
        count = images.shape[1]
        names = default_bands(count) if bands is None else tuple(bands)
        if len(names) != count:
            raise UsageError(f"bands must be the names of {count} bands; they are {names}")
        if reasons := self._reasons(images):
            raise CutoutError(reasons)
        maps = None if segments is None else _as_segments(segments, images.shape)
        return self._table(images, maps, names)

    def _measures(self, name: str) -> bool:
        """Return whether a quantity is measured with these settings."""
        if not self.sersic and name in SERSIC:
            return False
        return self.details or not (name in DETAILS or name.startswith(_COLOR))

    def _table(
        self, images: NDArray[np.float32], maps: NDArray[np.uint8] | None, bands: Sequence[str]
    ) -> ShapeTable:
        values, colors, flags, maps = self._measured(images, maps)
        valid, colored = np.isfinite(values), np.isfinite(colors)
        return ShapeTable(
            _planes(bands),
            np.where(valid, values, 0.0),
            valid,
            flags.astype(np.uint32),
            maps,
            _pairs(bands),
            np.where(colored, colors, 0.0),
            colored,
        )

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        choice("stretch", self.stretch, _STRETCHES)
        number("threshold", self.threshold, 0.0)
        number("outlier_sigma", self.outlier_sigma, 0.0)
        number("smallest_radius", self.smallest_radius, 0.0)
        return _SMALLEST, _SMALLEST

    def _measured(
        self, images: NDArray[np.float32], segments: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.uint8]]:
        n, bands, ny, nx = images.shape
        count = bands + (bands > 1)
        values = np.empty((n, count, len(QUANTITIES)))
        colors = np.full((n, bands - 1, len(COLORS)), np.nan)
        flags = np.empty((n, count), dtype=np.int64)
        given = segments is not None
        maps = np.empty((n, ny, nx), dtype=np.uint8) if segments is None else segments
        pixels = images.view()
        pixels.flags.writeable = False  # one compiled version, whatever the caller's array allows
        planes.measure_images(
            pixels,
            self.stretch == "asinh",
            given,
            float(self.threshold),
            float(self.outlier_sigma),
            float(self.smallest_radius),
            bool(self.sersic),
            bool(self.details),
            values,
            colors,
            flags,
            maps,
        )
        return values, colors, flags, maps

    def _vectors(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors, NaN where a quantity was not measured."""
        bands = default_bands(images.shape[1])
        matrix = self._table(images, None, bands).matrix()
        names = _quantities(_planes(bands), _pairs(bands))
        chosen = [
            scalar.feature and self._measures(name)
            for scalar, name in zip(all_scalars(_planes(bands), _pairs(bands)), names, strict=True)
        ]
        return self.vectors(np.ma.masked_invalid(matrix[:, chosen]))

    def _repeated(self, row: int, images: NDArray[np.float32]) -> NDArray[np.float64]:
        del row
        vectors = self._vectors(images).astype(float)
        names = self.feature_names(default_bands(images.shape[1]), images.shape[2:])
        vectors[:, [name.endswith("_quality") for name in names]] = np.nan
        return vectors

    def _learn(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        step = max(1, self._at_once // images[0].size)
        parts = [self._vectors(images[i : i + step]) for i in range(0, len(images), step)]
        vectors = np.concatenate(parts)
        self.fill_values_ = _medians(vectors)
        return _filled(vectors, self.fill_values_)

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        return _filled(self._vectors(images), self.fill_values_)


def _planes(bands: Sequence[str]) -> tuple[str, ...]:
    return tuple(bands) if len(bands) == 1 else ("detection", *bands)


def _pairs(bands: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{one}_{two}" for one, two in pairwise(bands))


def _quantities(names: Sequence[str], pairs: Sequence[str]) -> list[str]:
    """Return the quantity in each column of a `ShapeTable.matrix`."""
    of_plane = [*(quantity.name for quantity in QUANTITIES), "flags", "quality"]
    return [*of_plane * len(names), *[f"{_COLOR}{each.name}" for each in COLORS] * len(pairs)]


def _medians(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    medians = np.zeros(vectors.shape[1], dtype=np.float32)
    for k, column in enumerate(vectors.T):
        if np.isfinite(column).any():
            medians[k] = np.nanmedian(column)
    return medians


def _filled(vectors: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isnan(vectors), values, vectors)


def _as_segments(segments: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    given = np.asarray(segments)
    expected = (shape[0], *shape[2:])
    if given.dtype.kind not in "biu" or given.shape != expected:
        raise UsageError(
            f"segments must be whole numbers of shape (n, ny, nx) = {expected}; "
            f"they are {given.dtype} of shape {given.shape}"
        )
    return np.where(given == 0, 0, np.where(given == 1, 1, 2)).astype(np.uint8, order="C")
