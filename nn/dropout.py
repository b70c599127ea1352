"""Dropout: hidden units switched off at random during training.

This is inverted dropout: the units that are kept are scaled by ``1 / (1 - rate)``, so the expected
input of the next layer is unchanged and prediction needs no correction.

References
----------
Srivastava, N., et al. 2014, Journal of Machine Learning Research 15, 1929
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from galfeat.nn.network import LayerBuffers
from galfeat.nn.types import Floats

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout:
    """Inverted dropout of hidden units, drawn independently for each unit and sample.

    Parameters
    ----------
    rate : float
        Probability that a unit is dropped, in [0, 1); 0 disables dropout.

    Examples
    --------
    >>> mask = np.empty((1000, 50))
    >>> Dropout(0.2).draw([mask], np.random.default_rng(0))
    >>> np.unique(mask).tolist()
    [0.0, 1.25]
    """

    rate: float = 0.0

    def with_masks(self, buffers: LayerBuffers) -> LayerBuffers:
        """Return the buffers with masks for the hidden layers; unchanged if the rate is 0."""
        return (
            replace(buffers, masks=[np.ones_like(a) for a in buffers.a[:-1]])
            if self.rate
            else buffers
        )

    def draw(self, masks: Sequence[Floats] | None, rng: np.random.Generator) -> None:
        """Fill the masks: 0 for a dropped unit, else ``1 / (1 - rate)``.

        Parameters
        ----------
        masks : sequence of array, shape (rows, units), or None
            One per hidden layer, C-contiguous.
        rng : numpy.random.Generator
        """
        for mask in masks or ():
            rng.random(out=mask, dtype=mask.dtype.type)
            np.greater_equal(mask, self.rate, out=mask)
            mask *= 1 / (1 - self.rate)
