"""Cases of the extractor benchmark: each computation by a peer library and by galfeat.

To add a case, put a `BenchmarkCase` into `CASES`. Peers get their preferred input, prepared before
the timing: 8-bit images where they accept nothing else, their own order of axes, settings built
once. galfeat gets the batch as float32; quantizing it is part of what is timed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog, local_binary_pattern
from skimage.transform import downscale_local_mean

from galfeat.features import HOG, SIFT, ColorHistogram, Pixels
from galfeat.features.texture.glcm_kernel import glcm_features
from galfeat.features.texture.lbp.kernel import lbp

__all__ = ["CASES", "SHAPES", "BenchmarkCase", "galaxies", "with_holes"]

Images = NDArray[np.float32]

SHAPES: Mapping[str, tuple[int, int, int]] = {
    "64x64x1": (256, 1, 64),
    "128x128x3": (32, 3, 128),
    "256x256x3": (8, 3, 256),
}
"""Galaxies in a batch, bands, side."""

LIMITS = (-2.0, 8.0)
LEVELS = 32
CONTRAST, SIGMA, OCTAVE_LAYERS = 0.04, 1.6, 3  # OpenCV's own
# pixels between the points of a dense grid; its keypoints are of the same size, as is usual
STEP = 8
BLOCK = 4  # pixels, the side of the boxes that are averaged


@dataclass(frozen=True)
class BenchmarkCase:
    """Computation that a peer library offers too, with both implementations.

    Parameters
    ----------
    name, peer : str
        What is computed, and the peer library.
    ready : callable
        Makes of one image (bands, ny, nx) what the peer is given; not timed.
    theirs : callable
        Measures one image so prepared, as the peer's users do.
    ours : callable
        Measures a batch (n, bands, ny, nx).
    required : mapping of str to float
        Least ratio by shape, and by shape and ``, holes``.
    tolerance : float
        Largest accepted difference of the values of both sides, as part of the largest
        value; None where they are keypoints.
    note : str
        What differs between the two sides.
    given : callable
        Makes of a batch what ours is given; not timed.
    holes : bool
        Whether ours is measured with bad pixels too.
    """

    name: str
    peer: str
    ready: Callable[[Images], Any]
    theirs: Callable[[Any], Any]
    ours: Callable[[Images], Any]
    required: Mapping[str, float] = field(default_factory=dict)
    tolerance: float | None = 1e-5
    note: str = ""
    given: Callable[[Images], Images] = lambda images: images
    holes: bool = True


def galaxies(n: int, bands: int, side: int, seed: int = 0) -> Images:
    """Return images as they are prepared.

    Round and elongated blobs on noise of one, stretched by asinh.
    """
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side - 0.5
    images = chance.normal(0, 1, (n, bands, side, side))
    for image in images:
        for _ in range(5):
            cy, cx = chance.normal(0, 0.12, 2)
            width, squash, turn = (
                chance.uniform(0.02, 0.15),
                chance.uniform(1, 3),
                chance.uniform(0, np.pi),
            )
            u, v = (
                (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn),
                (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn),
            )
            light = np.exp(-(u**2 + (squash * v) ** 2) / (2 * width**2))
            image += light * np.exp(chance.uniform(1, 5)) * chance.uniform(0.5, 1.5, (bands, 1, 1))
    return np.arcsinh(images).astype(np.float32)


def with_holes(images: Images, part: float = 0.01, seed: int = 1) -> Images:
    """Return the images with holes: this part of the pixels is NaN."""
    holes = np.random.default_rng(seed).random(images.shape) < part
    return np.where(holes, np.float32(np.nan), images)


def eight_bits(image: Images) -> NDArray[np.uint8]:
    """Return each band with the limits at 0 and 255, as OpenCV's SIFT needs it."""
    low, high = LIMITS
    return np.clip(np.rint((image - low) * (255 / (high - low))), 0, 255).astype(np.uint8)


def quantized(image: Images) -> NDArray[np.uint8]:
    """Return each band's levels, as mahotas needs them."""
    edges = np.linspace(*LIMITS, LEVELS + 1)[1:-1]
    return np.searchsorted(edges, image, side="right").astype(np.uint8)


def planes_of(images: Images) -> Images:
    """Return all bands of all images as planes."""
    return images.reshape(-1, *images.shape[2:])


def last(image: Images) -> Images:
    """Return an image as scikit-image and OpenCV have them.

    Bands last, and no axis for a single one.
    """
    return np.ascontiguousarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, -1))


def skimage_hog(image: Images) -> Any:
    """Call scikit-image on an image of one band or several."""
    return hog(image, 9, (8, 8), (2, 2), "L2-Hys", channel_axis=None if image.ndim == 2 else -1)


def our_hog(images: Images) -> Any:
    """Measure the strongest band's gradients, as scikit-image does."""
    return HOG(channel="strongest").transform(images)


def mahotas_haralick(image: NDArray[np.uint8]) -> Any:
    """Call mahotas for each band and distance; it averages over the directions."""
    from mahotas.features import haralick

    return np.concatenate(
        [
            haralick(band, distance=d, return_mean=True, use_x_minus_y_variance=True)
            for band in image
            for d in (1, 2, 4)
        ]
    )


def our_haralick(images: Images) -> Any:
    """Quantize, count and summarize."""
    return glcm_features(planes_of(images), LEVELS, LIMITS, (1, 2, 4)).reshape(len(images), -1)


def skimage_lbp(image: Images) -> Any:
    """Call scikit-image for each band and radius and count the patterns."""
    found = []
    for band in image:
        for radius in (1, 2, 3):
            codes = local_binary_pattern(band, 8 * radius, radius, "uniform")
            found.append(np.bincount(codes.ravel().astype(np.intp), minlength=8 * radius + 2))
    return np.concatenate(found)


def our_lbp(images: Images) -> Any:
    """Count the patterns of each band and radius."""
    return lbp(planes_of(images), (1, 2, 3)).reshape(len(images), -1)


def our_histogram(images: Images) -> Any:
    """Count the pixels of each band."""
    return ColorHistogram(bins=LEVELS, range=LIMITS, pairs="none").transform(images)


def opencv_histogram(bands: Sequence[Images]) -> Any:
    """Call OpenCV for each band."""
    return (
        np.concatenate(
            [cv2.calcHist([band], [0], None, [LEVELS], LIMITS).ravel() for band in bands]
        )
        / bands[0].size
    )


def numpy_histogram(image: Images) -> Any:
    """Call NumPy for each band."""
    return np.concatenate([np.histogram(band, LEVELS, LIMITS)[0] for band in image]) / image[0].size


def fast_histogram(image: Images) -> Any:
    """Call fast-histogram for each band."""
    from fast_histogram import histogram1d

    return np.concatenate([histogram1d(band, LEVELS, LIMITS) for band in image]) / image[0].size


@cache
def opencv_sift() -> Any:
    """Return OpenCV's SIFT, made once, without the shift that its default upscaling has."""
    return cv2.SIFT.create(0, OCTAVE_LAYERS, CONTRAST, 10.0, SIGMA, enable_precise_upscale=True)


@cache
def opencv_grid(side: int) -> Any:
    """Return the keypoints of the grid, as large as its step."""
    places = np.arange(STEP // 2, side, STEP)
    return [cv2.KeyPoint(float(x), float(y), STEP, 0.0) for x in places for y in places]


def opencv_dense(image: NDArray[np.uint8]) -> Any:
    """Call OpenCV for each band."""
    return np.stack([opencv_sift().compute(band, opencv_grid(band.shape[0]))[1] for band in image])


def our_dense(images: Images) -> Any:
    """Describe each band on the grid."""
    found = SIFT(keypoints="dense", step=STEP, size=1.5 * STEP, sigma=SIGMA).describe(
        planes_of(images)[:, None]
    )
    return found if np.isnan(images).any() else np.reshape(found, (*images.shape[:2], -1, 128))


def opencv_detected(image: NDArray[np.uint8]) -> Any:
    """Call OpenCV for each band."""
    return [opencv_sift().detectAndCompute(band, None) for band in image]


def our_detected(images: Images) -> Any:
    """Find and describe each band's keypoints, at OpenCV's contrast threshold for 8 bits."""
    sift = SIFT(
        contrast_threshold=CONTRAST * 255, noise=1.0, sigma=SIGMA, octave_layers=OCTAVE_LAYERS
    )
    return sift.describe(planes_of(images)[:, None])


def as_float(images: Images) -> Images:
    """Return the values of the 8-bit images as float32."""
    return eight_bits(images).astype(np.float32)


def skimage_boxes(image: Images) -> Any:
    """Call scikit-image for each band."""
    return np.concatenate([downscale_local_mean(band, (BLOCK, BLOCK)).ravel() for band in image])


def opencv_boxes(image: Images) -> Any:
    """Call OpenCV for each band."""
    size = (image.shape[2] // BLOCK, image.shape[1] // BLOCK)
    return np.concatenate(
        [cv2.resize(band, size, interpolation=cv2.INTER_AREA).ravel() for band in image]
    )


def our_boxes(images: Images) -> Any:
    """Average the boxes of each band."""
    return Pixels(BLOCK).transform(images)


def same(image: Images) -> Images:
    """Return the argument unchanged."""
    return image


CASES = (
    BenchmarkCase(
        "HOG, 9 orientations, 8x8, 2x2", "skimage.feature.hog", last, skimage_hog, our_hog,
        {"64x64x1": 100, "128x128x3": 80},
        tolerance=0.02, note="three bands: the strongest at each pixel, on both sides",
    ),
    BenchmarkCase(
        "GLCM, 32 levels, d = 1, 2, 4, 13 statistics", "mahotas haralick", quantized,
        mahotas_haralick, our_haralick,
        {"64x64x1": 32, "128x128x3": 18}, note="mahotas is given the levels, ours quantizes",
    ),
    BenchmarkCase(
        "LBP, uniform, R = 1, 2, 3", "skimage local_binary_pattern", same, skimage_lbp, our_lbp,
        {"64x64x1": 130, "128x128x3": 125, "64x64x1, holes": 100, "128x128x3, holes": 90},
        tolerance=0.2, note="scikit-image also counts the border, where it sees zeros beyond",
    ),
    BenchmarkCase(
        "histogram, 32 bins", "cv2.calcHist", list, opencv_histogram, our_histogram, {"64x64x1": 5,
        "128x128x3": 4},
        tolerance=0.02,
        note=("OpenCV leaves out what lies beyond the range, ours counts it in the end " "bins"),
    ),
    BenchmarkCase("histogram, 32 bins", "numpy.histogram", same, numpy_histogram, our_histogram,
    tolerance=0.02),
    BenchmarkCase("histogram, 32 bins", "fast-histogram", same, fast_histogram, our_histogram,
    tolerance=0.02),
    BenchmarkCase(
        "dense SIFT, step 8", "cv2.SIFT.compute", eight_bits, opencv_dense, our_dense,
        {"64x64x1": 50, "128x128x3": 80},
        tolerance=None, note="each band; ours has a flat window, OpenCV a Gaussian one and 8 bits",
    ),
    BenchmarkCase(
        "detected SIFT", "cv2.SIFT.detectAndCompute", eight_bits, opencv_detected, our_detected,
        {"64x64x1": 1.5, "128x128x3": 1.2},
        tolerance=None,
        note=("each band, OpenCV's default settings; ours is given the 8-bit values as " "float32"),
        given=as_float,
    ),
    BenchmarkCase("means of 4x4 pixels", "cv2.resize, INTER_AREA", same, opencv_boxes, our_boxes),
    BenchmarkCase("means of 4x4 pixels", "skimage downscale_local_mean", same, skimage_boxes,
    our_boxes),
)  # fmt: skip
"""All cases, in the order of the table."""
