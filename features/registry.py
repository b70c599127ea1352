"""Registry of the extractors: names, classes and their treatment by the pipeline.

It imports no extractor, so that the command line can list the names without loading numba. A new
extractor takes a folder of its own and one entry here; `galfeat.features.extractors` has the
classes by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from galfeat.features.base import Extractor

__all__ = [
    "COLOR",
    "HOG",
    "LOCAL_DESCRIPTORS",
    "PHOTOMETRY",
    "PIXELS",
    "REGISTRY",
    "SHAPE",
    "SIFT",
    "TEXTURE",
    "RegisteredExtractor",
]


@dataclass(frozen=True, eq=False)
class RegisteredExtractor:
    """One extractor: its name, its class and how the pipeline treats it.

    Parameters
    ----------
    name : str
        Name in feature tables, in settings and on the command line.
    location : str
        Module below `galfeat.features` and class, as ``module:class``.
    about : str
        What it measures, in one phrase; for reports.
    handcrafted : bool, default True
        False for the pixels themselves, which the hand-crafted features are compared with.
    descriptor_length : int, default 0
        0: one float32 vector an image, a column of fixed size. Otherwise its column holds a list of
        local descriptors an image, each of this many uint8 values, which are encoded as a vector
        where a classifier is trained.
    encoding : {"", "fisher"}, default ""
        How a classifier's input encodes the local descriptors unless told otherwise: "" as a bag of
        words, "fisher" as a Fisher vector. Of no effect where there are none.
    classic : bool, default True
        Whether it is one of the lecture's extractors, those of the recipe ``classic``.
    settings : mapping, optional
        Settings with which the pipeline measures unless told otherwise, where they differ from the
        defaults of the class, which are those of the paper. The comparison found them best.
    variants : mapping of str to mapping, optional
        All settings of notable variants, by name, in place of `settings`; `galfeat audit` measures
        their invariances too.
    """

    name: str
    location: str
    about: str
    handcrafted: bool = True
    descriptor_length: int = 0
    encoding: str = ""
    classic: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def load(self) -> "type[Extractor]":
        """Import the class."""
        module, name = self.location.split(":")
        kind: type[Extractor] = getattr(import_module(f"galfeat.features.{module}"), name)
        return kind


PIXELS = RegisteredExtractor(
    "pixels",
    "pixels.extractor:Pixels",
    "every pixel of the prepared grid",
    handcrafted=False,
)
COLOR = RegisteredExtractor(
    "color",
    "color.extractor:ColorHistogram",
    "histograms of each band and of pairs of bands",
)
TEXTURE = RegisteredExtractor(
    "texture",
    "texture.extractor:Texture",
    "co-occurrence statistics and local binary patterns",
    settings={"patterns": "fourier"},  # the position angle of a galaxy on the sky is random
    variants={
        "classic": {},
        "directed": {"patterns": "directed"},
    },
)
HOG = RegisteredExtractor(
    "hog",
    "hog.extractor:HOG",
    "histograms of oriented gradients, averaged over rotated and mirrored views",
    settings={"rotation": "mirrored"},  # the position angle of a galaxy on the sky is random
    variants={
        "classic": {},
        "averaged": {"rotation": "averaged"},
    },
)
SIFT = RegisteredExtractor(
    "sift",
    "sift.extractor:SIFT",
    "Fisher vectors of SIFT keypoints",
    descriptor_length=128,
    encoding="fisher",
    variants={
        "dense": {"keypoints": "dense"},
        "fisher": {"n_words": 8, "encoding": "fisher"},
    },
)

SHAPE = RegisteredExtractor(
    "shape",
    "shape.extractor:Shape",
    "radii, concentration, asymmetry, smoothness, Gini, M20 and their like",
    classic=False,
)

REGISTRY: dict[str, RegisteredExtractor] = {
    each.name: each for each in (PIXELS, COLOR, TEXTURE, HOG, SIFT, SHAPE)
}
"""The extractors by name, in the order of the columns of a feature table."""

PHOTOMETRY = "photometry"
"""Name of `galfeat.features.Photometry`, which is no extractor: it takes linear pixels."""

LOCAL_DESCRIPTORS = frozenset(each.name for each in REGISTRY.values() if each.descriptor_length)
"""Names of the extractors whose column holds local descriptors, not vectors."""
