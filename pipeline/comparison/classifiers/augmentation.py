"""Training galaxies moved, turned and mirrored at random.

What a network on pixels must be told that does not matter.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["COPIES", "moved_copies"]

COPIES = 2  # of each training galaxy, beside itself
_MOST_SHIFT = 0.06  # of the side: about 4 pixels of 64


def moved_copies(
    images: NDArray[np.float32], rows: NDArray[np.intp], number: int, seed: int
) -> NDArray[np.float32]:
    """Return one copy of each galaxy, shifted by up to 6 % of the side, turned by any angle, and
    mirrored or not.

    Parameters
    ----------
    images : array, shape (n, bands, ny, nx)
    rows : array of int, shape (n,)
        Numbers of the galaxies: the same galaxy gets the same copies whatever others there are.
    number : int
        Which copy.
    seed : int

    Returns
    -------
    array, shape of `images`
        Bilinear between pixels; beyond the edge the image is mirrored.
    """
    copies = np.empty_like(images)
    middle = (np.array(images.shape[2:]) - 1) / 2
    for place, row in enumerate(rows.tolist()):
        rng = np.random.default_rng([seed, number, row])
        angle, mirror = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
        shift = rng.uniform(-_MOST_SHIFT, _MOST_SHIFT, 2) * images.shape[2:]
        matrix = np.array(
            [[np.cos(angle), np.sin(angle)], [-mirror * np.sin(angle), mirror * np.cos(angle)]]
        )
        offset = middle + shift - matrix @ middle
        for band, image in enumerate(images[place]):
            copies[place, band] = ndimage.affine_transform(
                image, matrix, offset, order=1, mode="mirror"
            )
    return copies
