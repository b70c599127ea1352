"""How far the cutouts of a source are from the training domain of a model, as one sentence."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["DISTANCE", "FURTHEST", "DomainSummary"]

DISTANCE, FURTHEST = "domain_distance", "domain_quantity"
"""Columns of a table of classes: the distance, and the quantity in which a galaxy is that far."""
_FURTHER = 0.75  # probability from which the training galaxies are no guide
_CLEAR = 3.3  # standard deviations by which it differs from that of galaxies like them
_LISTED = 3  # quantities in a sentence


@dataclass(frozen=True)
class DomainSummary:
    """Cutouts inside and outside the training domain.

    Parameters
    ----------
    count : int
        All cutouts with a distance.
    outside : int
        Those that are outside.
    further : float
        Probability that a cutout is further from the domain than a training galaxy: 0.5 if they
        are alike. It is the statistic of Mann and Whitney over its largest value.
    furthest : mapping of str to int
        Cutouts that are further than most training galaxies, by the quantity in which they are.
    expected : float
        Share of galaxies like the training galaxies that are outside.
    """

    count: int
    outside: int = 0
    further: float = 0.5
    furthest: Mapping[str, int] = field(default_factory=dict)
    expected: float = 0.05

    @property
    def is_another(self) -> bool:
        """Whether the cutouts are of another domain: most are further than training galaxies."""
        return (
            self.further > _FURTHER and (self.further - 0.5) * math.sqrt(12 * self.count) > _CLEAR
        )

    @property
    def sentence(self) -> str:
        """How many cutouts are outside, and in which quantities."""
        if not self.count:
            return "the model does not describe its training galaxies, so none can be called unlike"
        most = Counter(self.furthest).most_common(_LISTED)
        total = sum(self.furthest.values())
        named = ", ".join(f"{name} {n / total:.0%}" for name, n in most)
        return (
            f"{self.outside / self.count:.0%} of {self.count:,} cutouts lie outside the training "
            f"domain ({self.expected:.0%} of galaxies like those of training do), and "
            f"{self.further:.0%} (50%) are further from it than a training galaxy"
            + (f"; what differs most: {named}" if named else "")
        )
