"""Raw pixels as features, optionally averaged over boxes."""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.pixels.extractor import Pixels
else:  # kernels are imported without scikit-learn
    __getattr__, __dir__ = lazy_attributes(__name__, {"Pixels": "extractor"})

__all__ = ["Pixels"]
