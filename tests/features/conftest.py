"""Images that every extractor is tried on."""

import numpy as np
import pytest
from numpy.typing import NDArray


def make_galaxies(
    n: int = 6, bands: int = 3, ny: int = 48, nx: int = 40, seed: int = 1
) -> NDArray[np.float32]:
    """Lumpy, tilted light with unit noise; no two images alike, rows and columns of different
    number.
    """
    chance = np.random.default_rng(seed)
    y, x = np.indices((ny, nx))
    images = chance.normal(0, 0.5, (n, bands, ny, nx))
    for image in images:
        for _ in range(6):
            cy, cx, width = (
                chance.uniform(10, ny - 10),
                chance.uniform(10, nx - 10),
                chance.uniform(1.5, 6),
            )
            lump = np.exp(-((y - cy) ** 2 + 1.5 * (x - cx) ** 2) / (2 * width**2))
            image += lump * chance.uniform(1, 6, (bands, 1, 1))
    return images.astype(np.float32)


def make_holes(images: NDArray[np.float32], part: float = 0.02, seed: int = 2) -> NDArray[np.bool_]:
    """Scattered bad pixels and one bad rectangle in each band."""
    holes = np.random.default_rng(seed).random(images.shape) < part
    holes[..., 5:9, 20:23] = True
    return holes


@pytest.fixture(scope="session")
def galaxies() -> NDArray[np.float32]:
    images = make_galaxies()
    images.flags.writeable = False
    return images


@pytest.fixture(scope="session")
def holes(galaxies: NDArray[np.float32]) -> NDArray[np.bool_]:
    return make_holes(galaxies)
