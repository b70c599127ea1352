"""Make ``reference/vector_code.npz``: the features of images of integers, on one processor.

``python tests/features/make_vector_code_reference.py`` writes it anew, which is right only after a
change of FEATURE_VERSION. The images are made without functions whose rounding differs between
processors, so that every machine starts from the same bits.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features import HOG, SIFT, ColorHistogram, Pixels, Texture

REFERENCE = Path(__file__).parent / "reference" / "vector_code.npz"

EXACT = {"pixels": Pixels(), "color": ColorHistogram()}
CLOSE = {
    "means": Pixels(downsample=4),
    "texture": Texture(),
    "fourier": Texture(patterns="fourier"),
    "hog": HOG(),
    "averaged": HOG(rotation="averaged"),
}
LOCAL = {"dense": SIFT(keypoints="dense"), "detected": SIFT()}


def images() -> NDArray[np.float32]:
    """Return four images in three bands, 56 x 64 pixels, of multiples of 1/64, one with holes."""
    rng = np.random.default_rng(7)
    y, x = np.indices((56, 64))
    made = rng.integers(-60, 60, (4, 3, 56, 64))
    for image in made:
        for _ in range(7):
            cy, cx, size, height = (
                int(rng.integers(low, high))
                for low, high in ((10, 46), (10, 54), (3, 90), (100, 400))
            )
            image += (
                height
                * size
                // (size + (y - cy) ** 2 + 2 * (x - cx) ** 2)
                * rng.integers(1, 3, (3, 1, 1))
            )
    planes = (made / 64).astype(np.float32)
    planes[3][rng.random(planes[3].shape) < 0.01] = np.nan
    return planes


def digest(values: NDArray[Any]) -> str:
    """Return a mark of the bits."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def measured() -> dict[str, NDArray[Any]]:
    """Return the features on this machine: digests where the bits are promised, else values."""
    planes = images()
    found: dict[str, NDArray[Any]] = {"images": np.array(digest(planes))}
    for name, extractor in EXACT.items():
        found[name] = np.array(digest(extractor.fit_transform(planes)))
    for name, close in CLOSE.items():
        found[name] = close.fit_transform(planes)
    for name, local in LOCAL.items():
        each = local.describe(planes)
        found[name] = np.concatenate(each)
        found[f"{name}_numbers"] = np.array([len(one) for one in each])
    return found


if __name__ == "__main__":
    REFERENCE.parent.mkdir(exist_ok=True)
    values: dict[str, Any] = measured()
    np.savez_compressed(REFERENCE, **values)
