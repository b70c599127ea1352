"""Base class of the extractors, which measure one feature vector of each image."""

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import CutoutError, PixelUnitWarning, UsageError
from galfeat._arrays import as_plain_array, channels_last_hint
from galfeat.features.kernels.finite import flawed_rows, good_shares
from galfeat.features.settings import choice, fraction, whole
from galfeat.features.transformer import Transformer

__all__ = ["Extractor", "as_images", "default_bands"]


MaskedVectors = np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float32]]
"""Numbers of galaxies, masked where there is none."""

_UNDEFINED = "some of its features are undefined (infinite or not a number)"


class Extractor(Transformer):
    """Base class of the extractors: transformers of images (n, bands, ny, nx) to vectors (n, k).

    Pixels that are not finite are bad and enter no sum. Input of any real or integer type and byte
    order is converted to float32 and never written to. A row's vector depends on that row's pixels
    and the settings alone, to the last bit.

    A subclass, in this package or another (docs/own_extractor.md), defines `key`, its name in
    tables and on the command line; the setting `min_good` in its ``__init__``; `promises`, its
    invariances (keys of `galfeat.features.INVARIANCES`; none by default); and the methods
    `feature_names`, `smallest_shape` and `measure_images`. It overrides `obstacles` if a vector can
    be undefined although enough pixels are good. With a method ``draw(axes, pixels, bands)`` it is
    drawn by `galfeat.pipeline.show`.
    """

    key: ClassVar[str]
    min_good: float
    """Least fraction of good pixels in each band; every subclass takes it in ``__init__``."""

    _at_once: ClassVar[int] = 1 << 17
    """Pixel values measured at a time, which bounds the memory and keeps temporaries in the cache.

    Kernels without temporaries use a larger number.
    """

    @property
    def promises(self) -> frozenset[str]:
        """Return the transformations of an image that leave its vector unchanged."""
        return frozenset()

    @property
    def undoes_stretch(self) -> bool:
        """Return whether it needs the light, and undoes what its setting ``stretch`` names."""
        return False

    @abstractmethod
    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return the names of the features of images with these bands and this shape (ny, nx).

        They depend on the settings and the shape only, never on pixels. A subclass may call
        ``self.check_shape(shape)`` first, which refuses images that are too small.
        """

    @abstractmethod
    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""

    @abstractmethod
    def measure_images(self, images: NDArray[np.float32]) -> NDArray[Any]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""

    def _attempt(self, images: NDArray[np.float32]) -> tuple[NDArray[Any] | None, dict[int, str]]:
        """Return the vectors, or None and why some rows cannot be measured.

        A subclass whose kernel counts good pixels anyway overrides this to check afterwards.
        """
        step = max(1, self._at_once // images[0].size)
        vectors: NDArray[np.float32] | None = None
        reasons: dict[int, str] = {}
        for start in range(0, len(images), step):
            part = images[start : start + step]
            # in parts, so that pixels are still in the cache when they are measured
            found = self._reasons(part)
            reasons.update({start + row: reason for row, reason in found.items()})
            if not reasons:
                measured = self.measure_images(part)
                if not np.isfinite(measured).all():
                    undefined = np.flatnonzero(~np.isfinite(measured).all(axis=1)).tolist()
                    reasons.update({start + row: _UNDEFINED for row in undefined})
                    continue
                vectors = (
                    np.empty((len(images), measured.shape[1]), dtype=np.float32)
                    if vectors is None
                    else vectors
                )
                vectors[start : start + step] = measured
        return (None if reasons else vectors), reasons

    def _shares(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the fractions of good pixels, shape (n, planes), compared with `min_good`.

        By default those of each band.
        """
        return good_shares(images)

    def obstacles(
        self, images: NDArray[np.float32], rows: NDArray[np.intp], shares: NDArray[np.float64]
    ) -> dict[int, str]:
        """Return reasons, specific to this extractor, why some of the rows cannot be measured.

        The rows have enough good pixels, but not all; there may be none. Keys of the result are
        row numbers in `images`.
        """
        del images, rows, shares
        return {}

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Check the settings and store the shape of the images; nothing else is learned.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)
        y : ignored

        Returns
        -------
        self
        """
        del y
        images = as_images(X)
        self.check_shape(images.shape)
        self.shape_in_ = images.shape[1:]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Measure every image.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        array of float32, shape (n, k)
            In C order; the columns are named by `feature_names`.

        Raises
        ------
        CutoutError
            If some rows cannot be measured; its `reasons` are those of the method `reasons`.
        UsageError
            If `X` is not a batch of images, or a setting is invalid.
        """
        images = self._checked(X)
        vectors, reasons = self._attempt(images)
        if reasons:
            raise CutoutError(reasons)
        self._warn_of_unseen(images)
        return self._contained(np.ascontiguousarray(vectors, dtype=np.float32), images.shape[1:])

    def _warn_of_unseen(self, images: NDArray[np.float32]) -> None:
        """Warn where the extractor sees hardly anything of images, as in another unit."""
        words = self._unseen(images)
        if words:
            warnings.warn(words, PixelUnitWarning, stacklevel=3)

    def _unseen(self, images: NDArray[np.float32]) -> str:
        """Return why the extractor sees hardly anything of images; empty if it does see them."""
        del images
        return ""

    def transform_errors(
        self,
        X: ArrayLike,
        noise: ArrayLike | None = None,
        *,
        stretch: str | None = None,
        draws: int = 32,
        random_state: int = 0,
    ) -> MaskedVectors:
        """Return the standard deviations of the features of every image.

        Every exposure is repeated: the image is denoised, new noise is added, and the extractor
        measures again; see `galfeat.features.noise`. An error is the scatter of the repeats.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)
        noise : array, shape (n, bands, ny, nx), optional
            Standard deviation of each pixel's light, before the stretch. Unless given, that of the
            sky of each band. Its correlation is measured on the sky in either case.
        stretch : {"asinh", "linear"}, optional
            What was done to the light: pixels are asinh(light), or light. Unless given, asinh, or
            what the extractor's setting of that name says.
        draws : int, default 32
            Repeats; 32 give an error to an eighth of its size.
        random_state : int, default 0
            Seed. A row's errors depend on it and on that row's pixels alone.

        Returns
        -------
        masked array of float32, shape (n, k)
            Masked where most of the repeats cannot be measured.

        Raises
        ------
        CutoutError
            If some rows cannot be measured.
        UsageError
            If the noise has another shape than `X`, or a setting makes no sense.
        """
        # imported late: SciPy takes a while to load
        from galfeat.features.noise import MonteCarlo, as_noise

        stretch = choice(
            "stretch", stretch or getattr(self, "stretch", "asinh"), ("asinh", "linear")
        )
        repeats = MonteCarlo(
            stretch, whole("draws", draws, 2), whole("random_state", random_state, 0)
        )
        images = self._checked(X)
        if reasons := self._reasons(images):
            raise CutoutError(reasons)
        errors = repeats.errors(images, as_noise(noise, images.shape), self._repeated)
        return np.ma.masked_invalid(errors.astype(np.float32))

    def _repeated(self, row: int, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the vectors of repeated exposures of a row, NaN where they cannot be measured."""
        del row
        bad = self._reasons(images)
        good = [k for k in range(len(images)) if k not in bad]
        if not good:
            names = self.feature_names(default_bands(images.shape[1]), images.shape[2:])
            return np.full((len(images), len(names)), np.nan)
        measured = np.asarray(self.measure_images(images[good]), dtype=float)
        out = np.full((len(images), measured.shape[1]), np.nan)
        out[good] = measured
        return out

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        """Fit, then measure the same images: shape (n, k)."""
        return self.fit(X, y).transform(X)

    def reasons(self, X: ArrayLike) -> dict[int, str]:
        """Return the rows that cannot be measured, and why.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        dict of int to str
            Empty if every image can be measured.
        """
        return self._reasons(self._checked(X))

    def get_feature_names_out(
        self, input_features: Sequence[str] | None = None
    ) -> NDArray[np.object_]:
        """Return the names of the features for images of the shape seen in `fit`.

        Parameters
        ----------
        input_features : sequence of str, optional
            Names of the bands; ``band1``, ``band2``, … unless given.
        """
        if not hasattr(self, "shape_in_"):
            # imported late: see galfeat.features.transformer
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(
                f"fit this {type(self).__name__} first, or ask feature_names(bands, shape)"
            )
        count, ny, nx = self.shape_in_
        bands = default_bands(count) if input_features is None else tuple(input_features)
        if len(bands) != count:
            raise UsageError(
                f"input_features must be the names of {count} bands; they are "
                f"{', '.join(map(str, bands))}"
            )
        return np.array(self.feature_names(bands, (ny, nx)), dtype=object)

    def _contained(
        self, vectors: NDArray[np.float32], shape: tuple[int, ...]
    ) -> NDArray[np.float32]:
        """Return vectors of images (bands, ny, nx) in the container chosen by `set_output`."""
        return self._in_container(
            vectors, lambda: self.feature_names(default_bands(shape[0]), (shape[1], shape[2]))
        )

    def _checked(self, X: ArrayLike) -> NDArray[np.float32]:
        images = as_images(X)
        seen = getattr(self, "shape_in_", images.shape[1:])
        if images.shape[1:] != seen:
            raise UsageError(
                f"X has images of (bands, ny, nx) = {images.shape[1:]}; this "
                f"{type(self).__name__} was fitted on {seen}"
            )
        return images

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Refuse images (..., ny, nx) that are smaller than `smallest_shape`.

        Raises
        ------
        UsageError
        """
        if problem := self._too_small(shape[-2:]):
            raise UsageError(problem)

    def _too_small(self, shape: tuple[int, ...]) -> str:
        ny, nx = self.smallest_shape()
        if shape[0] >= ny and shape[1] >= nx:
            return ""
        return (
            f"X has images of {shape[0]}x{shape[1]} pixels; {type(self).__name__} needs at least "
            f"{ny}x{nx}"
        )

    def _reasons(self, images: NDArray[np.float32]) -> dict[int, str]:
        least = fraction("min_good", self.min_good)
        if problem := self._too_small(images.shape[-2:]):
            return dict.fromkeys(range(len(images)), problem)
        rows = flawed_rows(images)
        return (
            self._bad_pixel_reasons(images, rows, self._shares(images), least) if len(rows) else {}
        )

    def _bad_pixel_reasons(
        self,
        images: NDArray[np.float32],
        rows: NDArray[np.intp],
        shares: NDArray[np.float64],
        least: float,
    ) -> dict[int, str]:
        """Return why rows with bad pixels cannot be measured, from the fractions of good pixels."""
        few = (shares[rows] < least).any(axis=1)
        found = self.obstacles(images, rows[~few], shares)
        found.update({int(row): _few_good(shares[row], least) for row in rows[few]})
        return dict(sorted(found.items()))


def as_images(X: ArrayLike) -> NDArray[np.float32]:
    """Return a batch as native, C-contiguous float32, copied only where it is not that already.

    Parameters
    ----------
    X : array, shape (n, bands, ny, nx)
        Of any integer or real type and byte order. Masked pixels of masked arrays, ``CCDData`` and
        the like become NaN: see `galfeat._arrays.as_plain_array`.

    Raises
    ------
    UsageError
        If it has other axes, no pixels, or values that are not real numbers.
    """
    given = as_plain_array(X)
    if given.dtype.kind not in "biuf":
        raise UsageError(f"X must hold real numbers; its values are of type {given.dtype}")
    if given.ndim != 4:
        raise UsageError(
            f"X must have the four axes (n, bands, ny, nx); its shape is {given.shape}"
            + (": take X[np.newaxis] for one image" if given.ndim == 3 else "")
        )
    if hint := channels_last_hint(given.shape):
        raise UsageError(
            f"X must have the axes (n, bands, ny, nx); its shape is {given.shape}, and {hint}"
        )
    if given.size == 0:
        raise UsageError(
            f"X must hold at least one image, band and pixel; its shape is {given.shape}"
        )
    # a float64 beyond the range of float32 becomes infinite, that is, a bad pixel
    with np.errstate(over="ignore"):
        return np.require(given, np.float32, ["C", "ALIGNED"])


def default_bands(count: int) -> tuple[str, ...]:
    """Return the default names of bands: ``band1``, ``band2`` and so on."""
    return tuple(f"band{i + 1}" for i in range(count))


def _few_good(share: NDArray[np.float64], least: float) -> str:
    band = int(share.argmin())
    where = f"band {band + 1} of {len(share)}" if len(share) > 1 else "the image"
    return (
        f"{where} has {100 * share[band]:.1f} % good pixels; at least {100 * least:g} % are needed"
    )
