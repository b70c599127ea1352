"""Images to vectors: the classical extractors, as scikit-learn transformers on arrays (n, bands,
ny, nx).

One extractor a folder, all of them `Extractor`: they take images as they come, any number type and
byte order, treat pixels that are not finite as bad, and give float32 rows whose columns have true
names. Each folder holds the extractor, its kernels (compiled loops, fast) and their reference
(clear NumPy, by definition: what the kernels are tested against).

``pixels``
    `Pixels`: the grid itself, what every other input is compared with.
``color``
    `ColorHistogram`: histograms of brightness in each band and of color in pairs of bands.
``texture``
    `Texture`: gray-level co-occurrence with Haralick's statistics, and local binary patterns of
    three kinds.
``hog``
    `HOG`: histograms of oriented gradients.
``sift``
    `SIFT`: local descriptors of keypoints or of a grid, encoded as visual words (`BagOfWords`) or
    as a Fisher vector (`FisherVector`).
``base``, ``learned``, ``transformer``, ``settings``
    what all extractors obey, those that learn something too; what scikit-learn asks of them; checks
    of their settings.
``block_scaler``, ``combined``
    `BlockScaler`: one scale for a block of features; `combine`: several extractors side by side.
``registry``
    `EXTRACTORS` and `make_extractors`: the extractors by name.
``invariances``
    `INVARIANCES`: what may be done to an image without changing a vector, and how well a promise
    must be kept.
``kernels``
    what the kernels of several extractors share.

What an extractor does not react to stands in its ``promises``, in the words of `INVARIANCES`.
"""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.base import Extractor
    from galfeat.features.block_scaler import BlockScaler
    from galfeat.features.color.extractor import ColorHistogram
    from galfeat.features.combined import Combined, combine
    from galfeat.features.hog.extractor import HOG
    from galfeat.features.invariances import INVARIANCES
    from galfeat.features.pixels.extractor import Pixels
    from galfeat.features.registry import EXTRACTORS, make_extractors
    from galfeat.features.sift.bag_of_words import BagOfWords
    from galfeat.features.sift.extractor import SIFT
    from galfeat.features.sift.fisher_vectors import FisherVector
    from galfeat.features.texture.extractor import Texture
else:  # numba and scikit-learn take a second to load
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {
            "EXTRACTORS": "registry",
            "HOG": "hog.extractor",
            "INVARIANCES": "invariances",
            "SIFT": "sift.extractor",
            "BagOfWords": "sift.bag_of_words",
            "BlockScaler": "block_scaler",
            "ColorHistogram": "color.extractor",
            "Combined": "combined",
            "Extractor": "base",
            "FisherVector": "sift.fisher_vectors",
            "Pixels": "pixels.extractor",
            "Texture": "texture.extractor",
            "combine": "combined",
            "make_extractors": "registry",
        },
    )

__all__ = [
    "EXTRACTORS",
    "HOG",
    "INVARIANCES",
    "SIFT",
    "BagOfWords",
    "BlockScaler",
    "ColorHistogram",
    "Combined",
    "Extractor",
    "FisherVector",
    "Pixels",
    "Texture",
    "combine",
    "make_extractors",
]
