"""Histograms of brightness and joint histograms of color."""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.color.extractor import ColorHistogram
else:  # kernels are imported without scikit-learn
    __getattr__, __dir__ = lazy_attributes(__name__, {"ColorHistogram": "extractor"})

__all__ = ["ColorHistogram"]
