"""SIFT: local descriptors of keypoints or of a grid, and their encodings."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galfeat.features.sift.bag_of_words import BagOfWords
    from galfeat.features.sift.extractor import SIFT
    from galfeat.features.sift.fisher_vectors import FisherVector

__all__ = ["SIFT", "BagOfWords", "FisherVector"]

_HOMES = {"SIFT": "extractor", "BagOfWords": "bag_of_words", "FisherVector": "fisher_vectors"}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: kernels need no scikit-learn."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
