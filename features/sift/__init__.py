"""SIFT: local descriptors of keypoints or of a grid, and their encodings."""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.sift.bag_of_words import BagOfWords
    from galfeat.features.sift.extractor import SIFT
    from galfeat.features.sift.fisher_vectors import FisherVector
else:  # kernels are imported without scikit-learn
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {"SIFT": "extractor", "BagOfWords": "bag_of_words", "FisherVector": "fisher_vectors"},
    )

__all__ = ["SIFT", "BagOfWords", "FisherVector"]
