"""Classical image features, as scikit-learn transformers on arrays (n, bands, ny, nx).

One extractor a folder, each a subclass of `Extractor`. They take images of any numeric type and
byte order, treat pixels that are not finite as bad, and return float32 rows with named columns.
Each folder holds the extractor, its compiled kernels (``kernel*``) and a slow, clear NumPy version
(``reference``), which defines the feature and is the oracle of the kernels' tests.

``pixels``
    `Pixels`: the prepared grid itself, the baseline of every comparison.
``color``
    `ColorHistogram`: histograms of each band, and joint histograms of pairs of bands.
``texture``
    `Texture`: gray-level co-occurrence matrices with Haralick's statistics, and local binary
    patterns.
``hog``
    `HOG`: histograms of oriented gradients.
``sift``
    `SIFT`: local descriptors of keypoints or of a grid, encoded as a bag of visual words
    (`BagOfWords`) or as a Fisher vector (`FisherVector`).
``shape``
    `Shape`: Petrosian radii, concentration, asymmetry, smoothness, Gini, M20, MID, by their
    published definitions.
``photometry``
    `Photometry`: Petrosian, Kron and aperture fluxes, asinh magnitudes, colors and color gradients
    of linear cutouts.
``scalars``, ``noise``
    `Scalar` and `ScalarTable`: columns with units, UCDs, a mask and errors; noise, its correlation,
    and errors by repeated exposures.
``base``, ``learned``, ``transformer``, ``settings``
    Base class of all extractors, and of those that learn something; scikit-learn's estimator
    interface; validation of settings.
``block_scaler``, ``combined``
    `BlockScaler`: one scale for a block of features; `combine`: several extractors side by side.
``registry``, ``extractors``
    Names of the extractors and what the pipeline needs to know of each; `EXTRACTORS` and
    `make_extractors`: their classes by name.
``outside``
    Extractors of other packages, passed as objects or found by entry point.
``scalars``
    Named quantities with units, gaps and errors, as an extractor such as `Shape` measures them.
``invariances``
    `INVARIANCES`: transformations of an image, and how little a vector may change under each.
``kernels``
    Code that the kernels of several extractors share; its README describes the compiled code.

The invariances of an extractor are its ``promises``, keys of `INVARIANCES`.
"""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.base import Extractor
    from galfeat.features.block_scaler import BlockScaler
    from galfeat.features.color.extractor import ColorHistogram
    from galfeat.features.combined import Combined, combine
    from galfeat.features.extractors import EXTRACTORS, make_extractors
    from galfeat.features.hog.extractor import HOG
    from galfeat.features.invariances import INVARIANCES
    from galfeat.features.photometry.extractor import Photometry
    from galfeat.features.pixels.extractor import Pixels
    from galfeat.features.scalars import Scalar, ScalarTable
    from galfeat.features.shape.extractor import Shape
    from galfeat.features.sift.bag_of_words import BagOfWords
    from galfeat.features.sift.extractor import SIFT
    from galfeat.features.sift.fisher_vectors import FisherVector
    from galfeat.features.texture.extractor import Texture
else:  # numba and scikit-learn take a second to load
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {
            "EXTRACTORS": "extractors",
            "HOG": "hog.extractor",
            "INVARIANCES": "invariances",
            "SIFT": "sift.extractor",
            "BagOfWords": "sift.bag_of_words",
            "BlockScaler": "block_scaler",
            "ColorHistogram": "color.extractor",
            "Combined": "combined",
            "Extractor": "base",
            "FisherVector": "sift.fisher_vectors",
            "Photometry": "photometry.extractor",
            "Pixels": "pixels.extractor",
            "Scalar": "scalars",
            "ScalarTable": "scalars",
            "Shape": "shape.extractor",
            "Texture": "texture.extractor",
            "combine": "combined",
            "make_extractors": "extractors",
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
    "Photometry",
    "Pixels",
    "Scalar",
    "ScalarTable",
    "Shape",
    "Texture",
    "combine",
    "make_extractors",
]
