"""Settings of the network, drawn at random: the same draws for every input."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = ["COMPONENTS", "MOST_COMPONENTS", "Settings", "draw_settings"]

COMPONENTS = (24, 48, 96)
"""Numbers of principal components of a block that are tried."""
MOST_COMPONENTS = max(COMPONENTS)
_HIDDEN = (32, 64, 128)


@dataclass(frozen=True)
class Settings:
    """What the search chooses.

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
        Classes count as the inverse of their frequency to this power: 0 as they are, 1 all alike.
    """

    hidden: int = 64
    alpha: float = 1.0
    rate: float = 1e-3
    components: int = 48
    weight: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)


def draw_settings(count: int, seed: int) -> list[Settings]:
    """Return the default settings and `count` - 1 random ones.

    Hidden units 32, 64 or 128; L2 from 0.3 to 10 and rate from 0.0005 to 0.003, both evenly in
    their logarithms; 24, 48 or 96 components. Classes always count alike. The draws of a small
    count are the first of a large one.
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
