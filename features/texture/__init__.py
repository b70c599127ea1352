"""Texture: gray-level co-occurrence with Haralick's statistics, and local binary patterns."""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes

if TYPE_CHECKING:
    from galfeat.features.texture.extractor import Texture
else:  # kernels are imported without scikit-learn
    __getattr__, __dir__ = lazy_attributes(__name__, {"Texture": "extractor"})

__all__ = ["Texture"]
