"""Transformations of an image under which a vector may be invariant, and the tolerance of each.

`galfeat.pipeline.audit` measures the root-mean-square change of the vectors of simulated galaxies,
divided by the root-mean-square distance between different galaxies' vectors, features standardized.
0 is no change; 1 is as much as between any two galaxies.
"""

from typing import NamedTuple

__all__ = ["INVARIANCES", "Invariance"]

EXACTLY = 1e-3
NEARLY = 0.5


class Invariance(NamedTuple):
    """A transformation of an image, and the largest change of an invariant vector.

    Parameters
    ----------
    change : str
        What is done.
    limit : float
        Largest relative change at which a promise is kept. Where it is `EXACTLY`, the vector is the
        same but for rounding.
    """

    change: str
    limit: float

    @property
    def exact(self) -> bool:
        """Return whether an invariant vector stays the same but for rounding."""
        return self.limit <= EXACTLY


INVARIANCES = {
    "sky": Invariance("a constant is added to the pixels", EXACTLY),
    "flux": Invariance("the pixels are multiplied by a positive number", EXACTLY),
    "rotation90": Invariance("the image is rotated by 90 degrees", EXACTLY),
    "flip": Invariance("the image is mirrored", EXACTLY),
    "shift": Invariance("the galaxy lies one pixel further to the side", NEARLY),
    "rotation": Invariance("the galaxy is observed again, rotated by any angle", NEARLY),
    "scale": Invariance("the galaxy is observed again, 15 % larger", NEARLY),
    "noise": Invariance("the galaxy is observed again, as deep as before", NEARLY),
    "correlation": Invariance(
        "the galaxy is observed again, with as much noise in a pixel, but independent", NEARLY
    ),
    "seeing": Invariance("the galaxy is observed again, under 1.5 times the seeing", NEARLY),
    "pixel_scale": Invariance("the galaxy is observed again, on pixels 1.5 times as wide", NEARLY),
}
"""Transformations of an image, by the names in `Extractor.promises`."""
