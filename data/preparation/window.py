"""Square window of a cutout: position, side, and the grid that it is resampled to."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.settings import SMALLEST, Preparation

__all__ = ["Window"]


@dataclass(frozen=True)
class Window:
    """Square window of an image, in pixels from the outer edge of the image's first pixel.

    It may reach beyond the image.

    Parameters
    ----------
    top, left : float
        Where it begins.
    side : float
        Its side, pixels of the image.
    pixels : int
        Side of the grid that it is resampled to.
    is_whole : bool
        Whether it is the default window: the central square, of whole pixels.
    """

    top: float
    left: float
    side: float
    pixels: int
    is_whole: bool = False

    @classmethod
    def whole(cls, shape: tuple[int, ...], preparation: Preparation) -> "Window":
        """Return the default window of an image of that shape: its central square.

        See `galfeat.data.preparation.resampling.center_crop`.
        """
        ny, nx = shape
        side = preparation.size if preparation.fit == "crop" else min(ny, nx)
        return cls((ny - side) // 2, (nx - side) // 2, side, preparation.size, is_whole=True)

    @property
    def corner(self) -> tuple[float, float]:
        """Where it begins: row and column."""
        return self.top, self.left

    def view(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the pixels that lie in the window, wholly or in part, as a view.

        Parameters
        ----------
        images : array, shape (..., ny, nx)
        """
        (y0, y1), (x0, x1) = (
            (max(math.floor(start), 0), max(math.ceil(start + self.side), 0))
            for start in self.corner
        )
        return images[..., y0:y1, x0:x1]

    def widened(self, shape: tuple[int, ...]) -> "Window":
        """Return a window on the same pixel lattice that covers most of the image's central square.

        Sky and noise are measured on it: the border of a window around the galaxy would contain the
        galaxy.
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
