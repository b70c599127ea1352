"""Histograms of oriented gradients (Dalal and Triggs 2005)."""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.hog.extractor import HOG
else:  # kernels are imported without scikit-learn
    __getattr__, __dir__ = lazy_attributes(__name__, {"HOG": "extractor"})

__all__ = ["HOG"]
