"""Keypoints that an image itself shows, each with its place, size and direction, and the gradients around it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["detect", "detect_batch"]

Found = tuple[NDArray[np.float32], NDArray[np.uint8]]


def detect(
    image: NDArray[np.float32],
    *,
    octave_layers: int = 3,
    contrast: float,
    edge_threshold: float = 10.0,
    sigma: float = 1.6,
    upsample: bool = True,
) -> Found:
    """Find and describe the keypoints of one image.

    Parameters
    ----------
    image : array of float32, shape (ny, nx)
        Finite, in any unit, at least 16x16. It is not written to.
    octave_layers : int, default 3
        Scales measured in each octave.
    contrast : float
        Least contrast of a keypoint, in the image's unit: `octave_layers` times the difference of Gaussians there.
    edge_threshold : float, default 10.0
        Largest ratio of the curvatures along and across a keypoint; elongated ones are edges.
    sigma : float, default 1.6
        Blur of the first scale, in pixels of the doubled image (of the image itself without `upsample`).
    upsample : bool, default True
        Whether to begin with the image doubled, which finds the smallest keypoints.

    Returns
    -------
    keypoints : array of float32, shape (k, 5)
        Column x and row y of the keypoint (the first pixel's centre is 0, 0), the diameter `size` in pixels, the angle in degrees
        (from the x axis towards the y axis, 0 to 360) and the response, which is the difference of Gaussians in the
        image's unit. Sorted by x, y, size and angle.
    descriptors : array of uint8, shape (k, 128)
        For each keypoint 4x4 cells of 8 directions: row by row of cells, then the directions.

    Notes
    -----
    OpenCV divides its contrast threshold by the number of layers and takes images of 0 to 255 as 0 to 1, so
    ``detect(image, contrast=0.04 * 255)`` is ``cv2.SIFT.create(contrastThreshold=0.04)`` on the same 8-bit image.
    """
    (found,) = detect_batch(
        image[None], octave_layers=octave_layers, contrast=contrast, edge_threshold=edge_threshold, sigma=sigma, upsample=upsample
    )
    return found


def detect_batch(
    images: NDArray[np.float32],
    *,
    octave_layers: int = 3,
    contrast: float | Sequence[float],
    edge_threshold: float = 10.0,
    sigma: float = 1.6,
    upsample: bool = True,
) -> list[Found]:
    """Find and describe the keypoints of images of one shape, (n, ny, nx); see `detect`.

    `contrast` is one number, or one an image. What is found in an image depends on that image alone.
    """
    raise NotImplementedError
