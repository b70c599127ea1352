"""Scale-invariant keypoints, described by the gradients around them, counted as visual words."""

from collections.abc import Sequence
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from galfeat import CutoutError
from galfeat.features.base import Extractor
from galfeat.features.codewords import BagOfWords
from galfeat.features.plain.pixels import filled
from galfeat.features.settings import interval, number, whole

__all__ = ["SIFT"]

_SMALLEST = 16  # pixels: a descriptor's window
_HOLE_REACH = 3.0  # keypoint sizes: the half-width of the 4x4 cells that describe it


class SIFT(Extractor):
    """Which local patterns a galaxy's image has, whatever their place, size and rotation.

    Keypoints are found and described by OpenCV on one image a galaxy, the mean of its bands weighted by their noise, and the
    descriptors counted as visual words, which are learned in `fit`. `describe` gives the descriptors and learns nothing.

    Parameters
    ----------
    n_words : int, default 64
        Number of visual words, the length of the vectors.
    range : (float, float), default (-2.0, 8.0)
        Brightness, in the pixels' unit, that becomes black (0) and white (255); beyond, it is cut.
    contrast_threshold : float, default 0.01
        Least contrast of a keypoint, where the range from black to white is 1. OpenCV divides it by `octave_layers`.
    edge_threshold : float, default 10.0
        Largest ratio of the curvatures along and across a keypoint; elongated ones are edges.
    sigma : float, default 1.2
        Blur of the first scale, in pixels of the doubled image.
    octave_layers : int, default 3
        Scales measured in each octave.
    random_state : int, RandomState or None, default 0
        Seed of the search for words.
    min_good : float, default 0.5
        Least fraction of pixels that are good in any band.

    Attributes
    ----------
    encoder_ : BagOfWords
        The words.

    Notes
    -----
    OpenCV takes 8-bit images only, hence the fixed range. Its defaults (contrast 0.04, sigma 1.6) are made for photographs
    and find 7 keypoints on a typical 64x64 image of a nearby galaxy; these find 70. The weight of a band is one over its
    variance, measured by the median absolute deviation of the differences of neighbouring pixels. A bad pixel is left out of the
    mean; where no band is good the image has a hole, filled for OpenCV with the mean around it, and keypoints less than three
    times their size away from a hole are dropped. A galaxy without keypoints has the zero vector.

    References
    ----------
    Lowe 2004, Int. J. Computer Vision 60, 91, doi:10.1023/B:VISI.0000029664.99615.94

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import SIFT
    >>> y, x = np.indices((64, 64)) - 31.5
    >>> spot = 5 * np.exp(-(x**2 + y**2) / 50)
    >>> SIFT().describe(np.stack([spot, 0 * spot])[:, None])[1].shape
    (0, 128)
    """

    key = "sift"

    def __init__(
        self,
        n_words: int = 64,
        range: tuple[float, float] = (-2.0, 8.0),  # noqa: A002 (NumPy's name for it)
        *,
        contrast_threshold: float = 0.01,
        edge_threshold: float = 10.0,
        sigma: float = 1.2,
        octave_layers: int = 3,
        random_state: Any = 0,
        min_good: float = 0.5,
    ) -> None:
        self.n_words = n_words
        self.range = range
        self.contrast_threshold = contrast_threshold
        self.edge_threshold = edge_threshold
        self.sigma = sigma
        self.octave_layers = octave_layers
        self.random_state = random_state
        self.min_good = min_good

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return ``word0``, ``word1`` and so on."""
        del bands
        self._check_size(shape)
        return [f"word{i}" for i in range(self.n_words)]

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Learn the words from the images' descriptors.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)
        y : ignored

        Returns
        -------
        self
        """
        super().fit(X, y)
        self._learn(self.describe(X))
        return self

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        """Learn the words and return the images' vectors, shape (n, n_words); the same as fit, then transform."""
        super().fit(X, y)
        found = self.describe(X)
        self._learn(found)
        return np.asarray(self.encoder_.transform(found))

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Count the words.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        array of float32, shape (n, n_words)

        Raises
        ------
        CutoutError
            If some rows cannot be measured; its `reasons` are those of the method `reasons`.
        """
        check_is_fitted(self)
        return np.asarray(super().transform(X))

    def describe(self, X: ArrayLike) -> list[NDArray[np.uint8]]:
        """Return the local descriptors of every image.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        list of arrays of uint8, each of shape (keypoints, 128)
            Ordered by the keypoints' column, row, size and angle. Nothing is learned or remembered.

        Raises
        ------
        CutoutError
            If some rows cannot be measured; its `reasons` are those of the method `reasons`.
        """
        images = self._checked(X)
        if reasons := self._reasons(images):
            raise CutoutError(reasons)
        return self._describe(images)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        return tags

    def _learn(self, found: list[NDArray[np.uint8]]) -> None:
        self.encoder_ = BagOfWords(self.n_words, random_state=self.random_state).fit(found)

    def _smallest(self) -> tuple[int, int]:
        whole("n_words", self.n_words)
        interval("range", self.range)
        whole("octave_layers", self.octave_layers)
        number("contrast_threshold", self.contrast_threshold, 0)
        number("edge_threshold", self.edge_threshold, 1)
        number("sigma", self.sigma, 0.1)
        return _SMALLEST, _SMALLEST

    def _shares(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(np.isfinite(images).any(axis=1, keepdims=True).mean(axis=(2, 3)))

    def _measure(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.encoder_.transform(self._describe(images)))

    def _describe(self, images: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
        finder = cv2.SIFT.create(
            nfeatures=0,
            nOctaveLayers=int(self.octave_layers),
            contrastThreshold=float(self.contrast_threshold),
            edgeThreshold=float(self.edge_threshold),
            sigma=float(self.sigma),
        )
        return [_descriptors(finder, mean_image(image), interval("range", self.range)) for image in images]


def mean_image(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the bands, weighted by one over their noise variance; NaN where no band is good.

    Parameters
    ----------
    image : array, shape (bands, ny, nx)
    """
    good = np.isfinite(image)
    noise = np.array([_noise(band) for band in image])
    weights = np.where(noise > 0, noise, np.inf) ** -2.0 if (noise > 0).any() else np.ones(len(noise))
    weights = (weights / weights.max())[:, None, None] * good
    total = weights.sum(axis=0)
    mean = (weights * np.where(good, image, 0)).sum(axis=0) / np.where(total > 0, total, np.nan)
    return np.asarray(mean, dtype=np.float32)


def _noise(band: NDArray[np.float32]) -> float:
    """Return the standard deviation of the noise; 0 for a constant band or one without good pixels."""
    steps = np.diff(np.where(np.isfinite(band), band, np.nan).astype(np.float64), axis=-1)
    steps = steps[np.isfinite(steps)]
    if not len(steps):
        return 0.0
    deviation = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    return (deviation or float(np.sqrt(np.mean(steps**2)))) / 2**0.5  # of quantised values the median may be zero


def _descriptors(finder: Any, mean: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = limits
    scaled = (filled(mean[None])[0].astype(np.float64) - low) * (255 / (high - low))
    keypoints, values = finder.detectAndCompute(np.clip(np.rint(scaled), 0, 255).astype(np.uint8), None)
    if not keypoints:
        return np.zeros((0, 128), dtype=np.uint8)
    where = np.array([(*keypoint.pt, keypoint.size, keypoint.angle) for keypoint in keypoints])
    order = np.lexsort(where.T[::-1])
    return np.asarray(values[order][_clear_of_holes(where[order], mean)], dtype=np.uint8)


def _clear_of_holes(where: NDArray[np.float64], mean: NDArray[np.float32]) -> NDArray[np.bool_]:
    holes = np.argwhere(np.isnan(mean))[:, ::-1]
    apart = ((where[:, None, :2] - holes) ** 2).sum(axis=-1)
    return np.asarray((apart >= (_HOLE_REACH * where[:, 2:3]) ** 2).all(axis=1))
