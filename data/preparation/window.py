"""The square part of a cutout that is shown.

Where it begins, how large it is, and the pixels that it is given.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.settings import SMALLEST, Preparation

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """A square of an image, in pixels of that image from the outer edge of its first pixel.

    It may reach beyond.

    Parameters
    ----------
    top, left : float
        Where it begins.
    side : float
        How far it reaches.
    pixels : int
        Side of the grid that it is brought to.
    is_whole : bool
        Whether it is the one that is shown where nothing moves it: the centred square, of whole
        pixels.
    """

    top: float
    left: float
    side: float
    pixels: int
    is_whole: bool = False

    @classmethod
    def whole(cls, shape: tuple[int, ...], preparation: Preparation) -> "Window":
        """Return what is shown of an image of that shape where nothing moves it.

        See `galfeat.data.preparation.resampling.center_crop`.
        """
        ny, nx = shape
        side = preparation.size if preparation.fit == "crop" else min(ny, nx)
        return cls((ny - side) // 2, (nx - side) // 2, side, preparation.size, is_whole=True)

    @property
    def corner(self) -> tuple[float, float]:
        """Where it begins, rows and columns."""
        return self.top, self.left

    def of(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the pixels of an image that lie in the window, wholly or in part, as a view."""
        return self.of_bands(image)

    def of_bands(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the same of images that lie one behind the other along axes before the last
        two.
        """
        (y0, y1), (x0, x1) = (
            (max(math.floor(start), 0), max(math.ceil(start + self.side), 0))
            for start in self.corner
        )
        return images[..., y0:y1, x0:x1]

    def widened(self, shape: tuple[int, ...]) -> "Window":
        """Return a window on the same lattice of new pixels that covers as much of the image's
        centred square as it can.

        Sky and noise are measured on it: the frame of a window that is drawn around the galaxy
        would hold the galaxy.
        """
        scale = self.side / self.pixels
        square = min(shape)
        corner = [
            start - scale * math.floor((start - (length - square) / 2) / scale)
            for start, length in zip(self.corner, shape, strict=True)
        ]
        ends = [(length + square) / 2 for length in shape]
        pixels = max(
            SMALLEST,
            min(
                math.floor((end - start) / scale + 1e-9)
                for start, end in zip(corner, ends, strict=True)
            ),
        )
        return Window(corner[0], corner[1], pixels * scale, pixels)
