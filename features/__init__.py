"""Images to vectors: the classical extractors, as scikit-learn transformers on arrays (n, bands, ny, nx).

One extractor a file, all of them `Extractor`: they take images as they come, any number type and byte order, treat
pixels that are not finite as bad, and give float32 rows whose columns have true names.

``base``, ``learned``, ``transformer``, ``settings``
    what all extractors obey, those that learn something too; what scikit-learn asks of them; checks of their settings.
``pixels``
    `Pixels`: the grid itself, what every other input is compared with.
``color``
    `ColorHistogram`: histograms of brightness in each band and of colour in pairs of bands.
``texture``, ``patterns``
    `Texture`: grey-level co-occurrence with Haralick's statistics, and local binary patterns of three kinds.
``hog``
    `HOG`: histograms of oriented gradients.
``sift``, ``local_image``
    `SIFT`: local descriptors of keypoints or of a grid, encoded as visual words or as a Fisher vector.
``shape``
    `Shape`: radii, concentration, asymmetry, Gini, M20 and the like, by their published definitions.
``bags``, ``codewords``, ``fisher``
    `BagOfWords`, `FisherVector`: lists of local descriptors to vectors.
``blocks``, ``combined``
    `BlockScaler`: one scale for a block of features; `combine`: several extractors side by side.
``registry``
    `EXTRACTORS` and `make_extractors`: the extractors by name.
``invariances``
    `INVARIANCES`: what may be done to an image without changing a vector, and how well a promise must be kept.
``kernels``
    the measurements as compiled loops, fast.
``plain``
    the measurements in clear NumPy, by definition: what the kernels are tested against.

What an extractor does not react to stands in its ``promises``, in the words of `INVARIANCES`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galfeat.features.base import Extractor
    from galfeat.features.blocks import BlockScaler
    from galfeat.features.codewords import BagOfWords
    from galfeat.features.color import ColorHistogram
    from galfeat.features.combined import Combined, combine
    from galfeat.features.fisher import FisherVector
    from galfeat.features.hog import HOG
    from galfeat.features.invariances import INVARIANCES
    from galfeat.features.pixels import Pixels
    from galfeat.features.registry import EXTRACTORS, make_extractors
    from galfeat.features.shape import Shape
    from galfeat.features.sift import SIFT
    from galfeat.features.texture import Texture

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
    "Shape",
    "Texture",
    "combine",
    "make_extractors",
]

_HOMES = {  # imported when asked for: numba and scikit-learn take a second to load
    "EXTRACTORS": "registry",
    "HOG": "hog",
    "INVARIANCES": "invariances",
    "SIFT": "sift",
    "Shape": "shape",
    "BagOfWords": "codewords",
    "BlockScaler": "blocks",
    "ColorHistogram": "color",
    "Combined": "combined",
    "Extractor": "base",
    "FisherVector": "fisher",
    "Pixels": "pixels",
    "Texture": "texture",
    "combine": "combined",
    "make_extractors": "registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
