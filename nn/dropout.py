"""Units left out at random while training, so that none can rely on another.

Inverted: the units that stay are made louder by ``1 / (1 - rate)``, so the sums of the next layer
keep their mean and nothing is left to do when the network predicts.

References
----------
Srivastava, N., et al. 2014, Journal of Machine Learning Research 15, 1929
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from galfeat.nn.network import Passage
from galfeat.nn.types import Floats

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout:
    """Leave out each hidden unit of each sample with a probability of `rate`.

    Parameters
    ----------
    rate : float
        In [0, 1); 0 leaves everything as it is.

    Examples
    --------
    >>> factors = np.empty((1000, 50))
    >>> Dropout(0.2).draw([factors], np.random.default_rng(0))
    >>> np.unique(factors).tolist()
    [0.0, 1.25]
    """

    rate: float = 0.0

    def into(self, passage: Passage) -> Passage:
        """Return the passage with room for the factors of its hidden layers.

        Without dropout, the passage itself.
        """
        return (
            replace(passage, keep=[np.ones_like(a) for a in passage.a[:-1]])
            if self.rate
            else passage
        )

    def draw(self, keep: Sequence[Floats] | None, rng: np.random.Generator) -> None:
        """Fill the factors: 0 for a unit that is left out, else ``1 / (1 - rate)``.

        Parameters
        ----------
        keep : sequence of array
            One a hidden layer, shape (rows, units), C-contiguous.
        rng : numpy.random.Generator
        """
        for factors in keep or ():
            rng.random(out=factors, dtype=factors.dtype.type)
            np.greater_equal(factors, self.rate, out=factors)
            factors *= 1 / (1 - self.rate)
