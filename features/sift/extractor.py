"""SIFT: local descriptors of keypoints or of a grid, encoded as one vector a galaxy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import CutoutError, UsageError
from galfeat.features import registry
from galfeat.features.learned import LearnedExtractor
from galfeat.features.settings import choice, number, whole
from galfeat.features.shape.images.segmentation import SKY, SOURCE
from galfeat.features.sift.dense.kernel import describe_grid, grid_centers
from galfeat.features.sift.keypoints.detector import detect_batch
from galfeat.features.sift.keypoints.scale_space import octave_scales
from galfeat.features.sift.keypoints.sky_noise import response_noise, sky_covariances
from galfeat.features.sift.mean_image import clear_of_holes, local_images, on_unit_noise
from galfeat.features.sift.mean_image_kernel import fill_holes
from galfeat.features.sift.sources import find_sources

if TYPE_CHECKING:
    from galfeat.features.sift.bag_of_words import BagOfWords
    from galfeat.features.sift.fisher_vectors import FisherVector

__all__ = ["SIFT"]

_SMALLEST = 16  # pixels: a descriptor's window
_OWN_BLUR = 0.5  # pixels: the assumed blur of an image, as in the paper
_CELL = 1.5  # keypoint sizes: the width of each of the 4x4 cells that describe it

Found = tuple[NDArray[np.float32], NDArray[np.uint8]]


class SIFT(LearnedExtractor):
    """Local SIFT descriptors, at detected keypoints or on a grid, encoded as one vector a galaxy.

    They are measured on one image a galaxy, the mean of its bands weighted by their noise, in
    floating point. `describe` returns the descriptors and learns nothing; `fit` learns how to
    encode them as one vector a galaxy.

    Parameters
    ----------
    n_words : int, default 64
        Number of visual words, the length of the vectors; for Fisher vectors the number of
        Gaussians, of which fewer do, such as 16.
    keypoints : {"detected", "dense"}, default "detected"
        "detected": Lowe's keypoints, of any size, each turned to its own direction. "dense": the
        points of a grid, upright, of one size.
    encoding : {"words", "fisher"}, default "words"
        `BagOfWords` or `FisherVector`.
    step : int, default 8
        Dense: distance of the grid's points, pixels.
    size : float, default 12.0
        Dense: width of each of the 4x4 cells around a point, pixels. OpenCV's keypoints of two
        thirds of it have such cells.
    contrast_threshold : float, default 0.1
        Detected: least contrast of a keypoint, in units of the noise of one pixel. It is divided by
        `octave_layers`, as in OpenCV.
    edge_threshold : float, default 10.0
        Detected: largest ratio of the curvatures along and across a keypoint; elongated ones are
        edges.
    sigma : float, default 1.2
        Blur of the first scale: detected, in pixels of the doubled image; dense, in pixels.
    octave_layers : int, default 3
        Detected: scales measured in each octave.
    noise : float or None, default None
        The noise of one pixel of the mean image; None measures it in each image.
    random_state : int, RandomState or None, default 0
        Seed of what is learned.
    min_good : float, default 0.5
        Least fraction of pixels that are good in any band, and of good gradients in the window of a
        dense descriptor.
    region : {"image", "galaxy"}, default "image"
        Where descriptors are taken: everywhere, or on the galaxy, the connected region above the
        noise that is nearest the center, as `Shape` finds it.
    significance : float, default 0.0
        Detected: least response of a keypoint, in standard deviations of what the noise alone
        would give at its scale and place, the correlation of the noise included. 0 takes all.
    stretch : {"asinh", "linear"}, default "asinh"
        What was done to the light, in units of its noise: pixels are asinh(light), or light. It
        matters to `region` and `significance` only.

    Attributes
    ----------
    encoder_ : BagOfWords or FisherVector

    Notes
    -----
    Noise is measured by the median size of differences of pixels, of each band for its weight and
    of the mean image for the contrast, so that neither the unit of the flux nor a constant sky
    changes a vector. An image without noise, as a constant one, has no keypoints. Where a
    noise-free image has values nearer to each other than float32 can tell, the noise is taken as
    2**-20 of its bright pixels.

    A bad pixel is left out of the mean; where no band is good the image has a hole. Detected
    keypoints whose 4x4 cells may touch a hole (less than three times their size away from it) are
    dropped. A dense descriptor is made from the good gradients of its window, those of each cell
    counting for the bad ones too, and dropped if too few are good.

    A galaxy without descriptors has the zero vector, which no other has: theirs have the length 1.
    So has, with the region "galaxy", one without a source within a quarter of the image's side of
    its center.

    The noise that `significance` refers to is that of the light of the sky, what belongs to no
    source: the covariances of pixels up to three pixels apart, propagated to the difference of
    Gaussians of each scale; where there is too little sky, white noise of the measured size. Where
    there is light, the stretch makes it smaller. Photon noise of the galaxy itself is left out.
    Prepared pixels are in units of the noise; `region` and `significance` need them so.

    The dense descriptor has a flat window: gradients far from the point count as much as near ones,
    where Lowe weighs them by a Gaussian. Otherwise it is Lowe's: linear shares between cells and
    between directions, cut at 0.2, in bytes.

    ``SIFT(noise=1.0, contrast_threshold=0.04 * 255, sigma=1.6)`` finds on 8-bit images what
    OpenCV's defaults find.

    References
    ----------
    Lowe 2004, Int. J. Computer Vision 60, 91, doi:10.1023/B:VISI.0000029664.99615.94;
    Rey-Otero and Delbracio 2014, Image Processing On Line 4, 370, doi:10.5201/ipol.2014.82

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import SIFT
    >>> y, x = np.indices((64, 64)) - 31.5
    >>> spot = 5 * np.exp(-(x**2 + y**2) / 50)
    >>> images = np.stack([spot, 0 * spot])[:, None]
    >>> SIFT(keypoints="dense").describe(images)[0].shape
    (64, 128)
    >>> SIFT().describe(images)[1].shape
    (0, 128)
    """

    key = registry.SIFT.name
    _at_once = 1 << 18

    def __init__(
        self,
        n_words: int = 64,
        *,
        keypoints: str = "detected",
        encoding: str = "words",
        step: int = 8,
        size: float = 12.0,
        contrast_threshold: float = 0.1,
        edge_threshold: float = 10.0,
        sigma: float = 1.2,
        octave_layers: int = 3,
        noise: float | None = None,
        random_state: Any = 0,
        min_good: float = 0.5,
        region: str = "image",
        significance: float = 0.0,
        stretch: str = "asinh",
    ) -> None:
        self.n_words = n_words
        self.keypoints = keypoints
        self.encoding = encoding
        self.step = step
        self.size = size
        self.contrast_threshold = contrast_threshold
        self.edge_threshold = edge_threshold
        self.sigma = sigma
        self.octave_layers = octave_layers
        self.noise = noise
        self.random_state = random_state
        self.min_good = min_good
        self.region = region
        self.significance = significance
        self.stretch = stretch

    @property
    def promises(self) -> frozenset[str]:
        """Return the invariances: a constant sky; the flux unit where no noise is given.

        A small shift changes the vector little, bags of words a little more. Where the galaxy is
        told from the sky, pixels are in units of the noise above the sky, and only that is left.
        """
        if self.undoes_stretch:
            return frozenset({"shift"})
        given = self.noise is not None and self.keypoints == "detected"
        more = (
            {"detected": {"rotation"}, "dense": {"noise"}}.get(self.keypoints, set())
            if self.encoding == "words"
            else set()
        )
        return frozenset({"sky", "shift"} | more | (set() if given else {"flux"}))

    @property
    def undoes_stretch(self) -> bool:
        """Return whether the galaxy or its noise is told from the sky, which takes the light."""
        return self.region == "galaxy" or bool(self.significance)

    def feature_names(self, bands: Sequence[str], shape: tuple[int, int]) -> list[str]:
        """Return the names of the encoder: ``word0``, … or ``mean0_0``, …."""
        del bands
        self.check_shape(shape)
        return list(self._encoder().get_feature_names_out())

    def describe(self, X: ArrayLike) -> list[NDArray[np.uint8]]:
        """Return the local descriptors of every image.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        list of arrays of uint8, each of shape (k, 128)
            Ordered by the keypoints' column, row, size and angle. Nothing is learned or remembered.

        Raises
        ------
        CutoutError
            If some rows cannot be measured; its `reasons` are those of the method `reasons`.
        """
        return [descriptors for _, descriptors in self._found(self._measurable(X))]

    def locate(self, X: ArrayLike) -> list[NDArray[np.float32]]:
        """Return the positions of the descriptors of every image.

        Parameters
        ----------
        X : array, shape (n, bands, ny, nx)

        Returns
        -------
        list of arrays of float32, each of shape (k, 4)
            In the order of `describe`: column x and row y (the first pixel's center is 0, 0), size
            (diameter) in pixels, and angle in degrees from the x axis toward the y axis.

        Raises
        ------
        CutoutError
            If some rows cannot be measured; its `reasons` are those of the method `reasons`.
        """
        return [places for places, _ in self._found(self._measurable(X))]

    def _measurable(self, X: ArrayLike) -> NDArray[np.float32]:
        images = self._checked(X)
        if reasons := self._reasons(images):
            raise CutoutError(reasons)
        return images

    def _learn(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        self.encoder_ = self._encoder()
        return np.asarray(
            self.encoder_.fit_transform([descriptors for _, descriptors in self._found(images)])
        )

    def _encoder(self) -> "BagOfWords | FisherVector":
        from galfeat.features.sift.bag_of_words import (
            # imported late: sklearn.cluster takes a second to load
            BagOfWords,
        )
        from galfeat.features.sift.fisher_vectors import FisherVector

        kind = (
            FisherVector
            if choice("encoding", self.encoding, ("words", "fisher")) == "fisher"
            else BagOfWords
        )
        return kind(self.n_words, random_state=self.random_state)

    def smallest_shape(self) -> tuple[int, int]:
        """Return the smallest image (ny, nx) that can be measured, after checking the settings."""
        whole("n_words", self.n_words)
        choice("keypoints", self.keypoints, ("detected", "dense"))
        choice("encoding", self.encoding, ("words", "fisher"))
        whole("step", self.step)
        number("size", self.size, 1)
        whole("octave_layers", self.octave_layers)
        number("contrast_threshold", self.contrast_threshold, 0)
        number("edge_threshold", self.edge_threshold, 1)
        number("sigma", self.sigma, 0.1)
        choice("region", self.region, ("image", "galaxy"))
        number("significance", self.significance, 0)
        choice("stretch", self.stretch, ("asinh", "linear"))
        if self.noise is not None:
            _positive("noise", self.noise)
        return _SMALLEST, _SMALLEST

    def _shares(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(np.isfinite(images).any(axis=1, keepdims=True).mean(axis=(2, 3)))

    def measure_images(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the vectors, shape (n, k), of images that have been found measurable."""
        return np.asarray(
            self.encoder_.transform([descriptors for _, descriptors in self._found(images)])
        )

    def _found(self, images: NDArray[np.float32]) -> list[Found]:
        if self.keypoints == "dense":
            return self._on_grid(images)
        return [each for part in self._parts(images) for each in self._detected(images[part])]

    def _parts(self, images: NDArray[np.float32]) -> list[slice]:
        """Return slices of rows few enough to be measured at once."""
        count = max(1, self._at_once // images[0].size)
        return [slice(start, start + count) for start in range(0, len(images), count)]

    def _on_grid(self, images: NDArray[np.float32]) -> list[Found]:
        blur = max(0.0, self.sigma**2 - _OWN_BLUR**2) ** 0.5
        columns, rows = (grid_centers(length, int(self.step)) for length in images.shape[:1:-1])
        places = np.empty((len(columns), len(rows), 4), dtype=np.float32)
        places[..., 0], places[..., 1] = columns[:, None], rows
        places[..., 2:] = self.size / _CELL, 0.0
        flat = places.reshape(-1, 4)
        # one allocation: touching fresh memory part by part is slow
        found = np.empty((len(images), *places.shape[:2], 128), dtype=np.uint8)
        made = np.empty(found.shape[:3], dtype=np.bool_)
        for part in self._parts(images):
            planes = local_images(images[part])
            describe_grid(
                planes,
                int(self.step),
                float(self.size),
                blur,
                float(self.min_good),
                into=(found[part], made[part]),
            )
            if self.region == "galaxy":
                segments, _ = find_sources(images[part], self.stretch)
                made[part] &= segments[:, rows][:, :, columns].swapaxes(1, 2) == SOURCE
        results: list[Found] = [(flat, descriptors.reshape(-1, 128)) for descriptors in found]
        for row in np.flatnonzero(~made.all(axis=(1, 2))).tolist():
            there = made[row].ravel()
            results[row] = flat[there], results[row][1][there]
        return results

    def _detected(self, pixels: NDArray[np.float32]) -> list[Found]:
        planes = local_images(pixels)
        scaled, noise = on_unit_noise(planes, self.noise)
        holed = np.asarray(np.isnan(planes).reshape(len(planes), -1).any(axis=1))
        shown = np.flatnonzero(noise > 0)
        images, size = scaled[shown], noise[shown]
        wanted, least = self._selection(pixels[shown], images, size)
        fill_holes(images)
        found = detect_batch(
            images,
            octave_layers=int(self.octave_layers),
            contrast=(float(self.contrast_threshold) * size).tolist(),
            edge_threshold=float(self.edge_threshold),
            sigma=float(self.sigma),
            wanted=wanted,
            least=least,
        )
        results: list[Found] = [(np.zeros((0, 4), np.float32), np.zeros((0, 128), np.uint8))] * len(
            planes
        )
        for row, (places, descriptors) in zip(shown, found, strict=True):
            clear = clear_of_holes(places, planes[row]) if holed[row] else slice(None)
            results[row] = (np.ascontiguousarray(places[clear, :4]), descriptors[clear])
        return results

    def _selection(
        self, pixels: NDArray[np.float32], planes: NDArray[np.float32], noise: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32] | None, NDArray[np.float64] | None]:
        """Return where keypoints are taken, and the least response of each scale; None for all."""
        on_galaxy, significance = self.region == "galaxy", float(self.significance)
        if not self.undoes_stretch or not len(planes):
            return None, None
        segments, dimming = find_sources(pixels, self.stretch)
        wanted = np.where(segments == SOURCE, dimming, np.inf) if on_galaxy else dimming
        if not significance:
            return wanted, None
        layers = int(self.octave_layers)
        scales = octave_scales(planes.shape[1:], octave_layers=layers, sigma=float(self.sigma))
        sky = (segments == SKY) & np.isfinite(planes)
        least = significance * response_noise(
            sky_covariances(planes, sky, noise),
            tuple(scales.ravel().tolist()),
            2.0 ** (1 / layers),
        )
        return wanted, least.reshape(len(planes), *scales.shape)


def _positive(name: str, value: object) -> None:
    if number(name, value, 0) == 0:
        raise UsageError(f"{name} must be above 0, or None to measure it; it is {value!r}")
