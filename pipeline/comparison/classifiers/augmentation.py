"""Augmentation of training galaxies: random shifts, rotations and flips."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["COPIES", "augmented_copies"]

COPIES = 2
"""Number of augmented copies of each training galaxy."""
_MAX_SHIFT = 0.06  # of the side: about 4 pixels of 64


def augmented_copies(
    images: NDArray[np.float32], rows: NDArray[np.intp], number: int, seed: int
) -> NDArray[np.float32]:
    """Return one copy of each galaxy, randomly shifted, rotated and mirrored.

    Shifts are up to 6 % of the side; rotations are by any angle.

    Parameters
    ----------
    images : array, shape (n, bands, ny, nx)
    rows : array of int, shape (n,)
        Numbers of the galaxies, which seed their copies: they do not depend on the other galaxies.
    number : int
        Number of the copy.
    seed : int

    Returns
    -------
    array, shape of `images`
        Bilinear interpolation; beyond the edge the image is mirrored.
    """
    copies = np.empty_like(images)
    middle = (np.array(images.shape[2:]) - 1) / 2
    for place, row in enumerate(rows.tolist()):
        rng = np.random.default_rng([seed, number, row])
        angle, mirror = rng.uniform(0, 2 * np.pi), rng.choice([-1.0, 1.0])
        shift = rng.uniform(-_MAX_SHIFT, _MAX_SHIFT, 2) * images.shape[2:]
        matrix = np.array(
            [[np.cos(angle), np.sin(angle)], [-mirror * np.sin(angle), mirror * np.cos(angle)]]
        )
        offset = middle + shift - matrix @ middle
        for band, image in enumerate(images[place]):
            copies[place, band] = ndimage.affine_transform(
                image, matrix, offset, order=1, mode="mirror"
            )
    return copies
