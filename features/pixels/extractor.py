"""Raw pixels as features, the baseline of every comparison."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import UsageError
from galfeat.features import registry
from galfeat.features.base import Extractor, MaskedVectors
from galfeat.features.pixels.kernel import area_means, box_means, filled
from galfeat.features.settings import choice, whole

__all__ = ["Pixels"]

_NODES = 15  # of the integral over a pixel's noise


class Pixels(Extractor):
    """The pixels of the image as features, optionally downsampled.

    Parameters
    ----------
    downsample : int, default 1
        Side of the boxes of pixels to average, in pixels. 1 keeps the whole grid. Boxes start at
        the first row and column, and the last ones are cut short where the side of the image is no
        multiple.
    size : int or None, default None
        Instead of `downsample`: rows and columns of the grid that the image is resampled to. Each
        of its size x size equal parts takes the mean of its pixels, weighted by the area that lies
        inside the part.
    min_good : float, default 0.5
        Least fraction of good pixels in each band.

    Notes
    -----
    A mean is taken over the good pixels of its box or part. One with none, or a bad pixel, takes
    the mean of the good ones around it: those of the smallest 3x3, 5x5, … square that holds any.

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import Pixels
    >>> Pixels(downsample=2).fit_transform(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[ 2.5,  4.5, 10.5, 12.5]], dtype=float32)
    """

    key = registry.PIXELS.name

    _at_once = 1 << 24

    def __init__(
        self, downsample: int = 1, *, size: int | None = None, min_good: float = 0.5
    ) -> None:
        self.downsample = downsample
        self.size = size
        self.min_good = min_good

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return ``band_y_x`` for each band, row and column of the grid, from 0."""
        self.check_shape(shape)
        rows, columns = (
            -(-side // self.downsample) if self.size is None else self.size for side in shape
        )
        return [f"{band}_{y}_{x}" for band in bands for y in range(rows) for x in range(columns)]

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        side = whole("downsample", self.downsample)
        if self.size is None:
            return side, side
        if side > 1:
            raise UsageError(
                f"downsample and size exclude each other; they are {self.downsample} and "
                f"{self.size}"
            )
        size = whole("size", self.size)
        return size, size

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        planes = images.reshape(-1, *images.shape[2:])
        if self.size is not None:
            planes = area_means(planes, self.size)
        elif self.downsample > 1:
            planes = box_means(planes, self.downsample)
        return filled(planes).reshape(len(images), -1)

    def transform_errors(
        self,
        X: ArrayLike,
        noise: ArrayLike | None = None,
        *,
        stretch: str | None = None,
        draws: int = 32,
        random_state: int = 0,
    ) -> MaskedVectors:
        """Return the standard deviations of the pixels, shape (n, k).

        As `Extractor.transform_errors`, but of the whole grid without bad pixels an error is
        integrated over the noise of its pixel, without random numbers.
        """
        images = self._checked(X)
        whole_grid = self.size is None and whole("downsample", self.downsample) == 1
        if not (whole_grid and np.isfinite(images).all()):
            return super().transform_errors(
                images, noise, stretch=stretch, draws=draws, random_state=random_state
            )
        # imported late: SciPy takes a while to load
        from galfeat.features.denoising import denoised
        from galfeat.features.noise import as_noise, noise_of, sky_mask

        stretch = choice("stretch", stretch or "asinh", ("asinh", "linear"))
        self.check_shape(images.shape)
        maps = as_noise(noise, images.shape)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        weights = weights / weights.sum()
        errors = np.empty(images.shape, dtype=np.float32)
        for row, band in np.ndindex(images.shape[:2]):
            plane = images[row, band].astype(float)
            light = np.sinh(np.clip(plane, -60, 60)) if stretch == "asinh" else plane
            if maps is None:
                measured, _ = noise_of(light)
                sigma = np.full(light.shape, measured if measured > 0 else 1.0)
            else:
                sigma = maps[row, band]
            if stretch == "linear":
                errors[row, band] = sigma
                continue
            smooth = denoised(light, sigma, sky_mask(light))
            values = np.arcsinh(smooth + sigma * nodes[:, None, None])
            mean = np.tensordot(weights, values, 1)
            errors[row, band] = np.sqrt(np.tensordot(weights, (values - mean) ** 2, 1))
        return np.ma.MaskedArray(errors.reshape(len(images), -1))
