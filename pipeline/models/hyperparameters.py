"""Hyperparameters of the network and their random search: the same draws for every input."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["COMPONENTS", "MOST_COMPONENTS", "Settings", "draw_settings"]

COMPONENTS = (24, 48, 96)
"""Numbers of principal components of a block in the search."""
MOST_COMPONENTS = max(COMPONENTS)
_HIDDEN = (32, 64, 128)


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a network.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer.
    alpha : float
        L2 penalty.
    rate : float
        Learning rate of Adam.
    components : int
        Principal components of each reduced block.
    weight : float
        Class weights are inverse frequencies to this power: 0 weights all galaxies alike, 1 all
        classes.
    """

    hidden: int = 64
    alpha: float = 1.0
    rate: float = 1e-3
    components: int = 48
    weight: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as a dict."""
        return asdict(self)


def draw_settings(count: int, seed: int) -> list[Settings]:
    """Return the default settings and `count` - 1 random ones.

    Random search (Bergstra & Bengio 2012, https://jmlr.org/papers/v13/bergstra12a.html): 32, 64 or
    128 hidden units; L2 penalty from 0.3 to 10 and learning rate from 0.0005 to 0.003, both
    log-uniform; 24, 48 or 96 principal components. Class weights are not searched. The draws of a
    small count are the first of a large one.
    """
    rng = np.random.default_rng(seed)
    drawn = [
        Settings(
            int(rng.choice(_HIDDEN)),
            float(10 ** rng.uniform(-0.5, 1)),
            float(10 ** rng.uniform(-3.3, -2.5)),
            int(rng.choice(COMPONENTS)),
        )
        for _ in range(count - 1)
    ]
    return [Settings(), *drawn]
