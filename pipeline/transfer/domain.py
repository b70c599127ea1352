"""Training domain of a model: what its training galaxies are like, and how far others are from it.

Each quantity, such as the correlation of the noise or the leading principal components of a block
of features, has a distance of its own: Mahalanobis's, with a covariance shrunken by the rule of
Ledoit and Wolf [1]_, over the distance below which 95 % of training galaxies lie that the
covariance was not estimated from. The distance of a galaxy is that of the quantity in which it is
furthest, in a unit in which 95 % of such galaxies are below 1. It depends on that galaxy alone.
Numbers beyond three robust standard deviations count as three in the covariance.

References
----------
.. [1] Ledoit, O., and Wolf, M. 2004, Journal of Multivariate Analysis 88, 365,
   doi:10.1016/S0047-259X(03)00096-4
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["QUANTILE", "DomainQuantity", "TrainingDomain"]

QUANTILE = 0.95
"""Share of training galaxies within the domain."""
_STEPS = np.linspace(0, 1, 101)
_FOLDS = 5
_LEAST = 6  # galaxies without which there is no domain
_ONE_BELOW, _CLIP = 0.1587, 3.0  # one standard deviation below the mean; most that count
_NUMBERS = 64  # of a quantity, at most
_LEVELS = 3  # numbers by which the noise of a band is described

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DomainQuantity:
    """One quantity of the training galaxies: a few numbers a galaxy, and their distribution.

    Parameters
    ----------
    center : array of float64, shape (k,)
        The median. It also stands for numbers that could not be measured.
    axes : array of float64, shape (k, k)
        ``(x - center) @ axes`` has a covariance of one over the training galaxies.
    limit : float
        Unit of the distances.
    low, high : array of float64, shape (k,)
        Range of 90 % of the training galaxies, for people.
    """

    center: Floats
    axes: Floats
    limit: float
    low: Floats
    high: Floats

    @classmethod
    def fit(cls, rows: Floats, folds: NDArray[np.intp]) -> "tuple[DomainQuantity, Floats]":
        """Estimate the distribution of a quantity; return it and the galaxies' distances.

        Parameters
        ----------
        rows : array of float64, shape (n, k)
            NaN is a number that could not be measured; each number was measured somewhere.
        folds : array of int, shape (n,)
            Galaxies of one fold are never measured with a covariance that they had a part in.
        """
        fill = np.nanmedian(rows, axis=0)
        distances = np.empty(len(rows))
        for fold in range(_FOLDS):
            there = folds == fold
            if there.any():
                center, axes = _whitening(rows[~there], fill)
                distances[there] = _lengths(rows[there], center, axes)
        limit = _limit(distances)
        center, axes = _whitening(rows, fill)
        low, high = np.nanquantile(rows, [1 - QUANTILE, QUANTILE], axis=0)
        return cls(center, axes, limit, low, high), distances / limit

    def distances(self, rows: Floats) -> Floats:
        """Return the distances of galaxies, shape (n,), in units of the limit."""
        return _lengths(rows, self.center, self.axes) / self.limit


@dataclass(frozen=True, eq=False)
class TrainingDomain:
    """Description of the training galaxies of a model.

    Parameters
    ----------
    quantities : mapping of str to DomainQuantity
    steps : array of float64, shape (101,)
        Distances of training galaxies, from the least to the largest in hundredths.
    count : int
        Number of training galaxies.
    noise : mapping of str to sequence of float
        Standard deviation of the sky's noise in each band: the first twentieth, the median and the
        last twentieth of the training galaxies, in the unit of their pixels. It is for people: the
        unit is not the same everywhere, and no feature depends on it.
    """

    quantities: Mapping[str, DomainQuantity]
    steps: Floats
    count: int
    noise: Mapping[str, Sequence[float]]

    @classmethod
    def fit(
        cls,
        numbers: Mapping[str, Floats],
        noise: Mapping[str, Floats] | None = None,
    ) -> "TrainingDomain | None":
        """Describe training galaxies.

        Parameters
        ----------
        numbers : mapping of str to array, shape (n, k)
            The numbers of each quantity; those that were measured in no galaxy are left out with
            the whole quantity.
        noise : mapping of str to array, shape (n,), optional
            Standard deviation of the noise of each band.

        Returns
        -------
        TrainingDomain or None
            None of fewer than six galaxies.
        """
        n = len(next(iter(numbers.values())))
        if n < _LEAST:
            return None
        folds = np.arange(n) % _FOLDS  # a rule, not a draw: the same galaxies, the same domain
        found = {
            name: DomainQuantity.fit(rows, folds)
            for name, rows in numbers.items()
            if rows.shape[1] and np.isfinite(rows).any(axis=0).all()
        }
        if not found:
            return None
        # each galaxy has as many chances to be outside as there are quantities
        together = np.max([distances for _, distances in found.values()], axis=0)
        wider = _limit(together)
        quantities = {
            name: replace(each, limit=each.limit * wider) for name, (each, _) in found.items()
        }
        levels = {
            band: np.nanquantile(values, [1 - QUANTILE, 0.5, QUANTILE]).tolist()
            for band, values in (noise or {}).items()
            if np.isfinite(values).any()
        }
        return cls(quantities, np.quantile(together / wider, _STEPS), n, levels)

    @property
    def about(self) -> dict[str, str]:
        """What the training galaxies are like, from the first twentieth to the last."""
        found = {
            name: f"{each.low[0]:.3g} to {each.high[0]:.3g}"
            for name, each in self.quantities.items()
            if len(each.low) == 1
        }
        for band, (low, middle, high) in self.noise.items():
            found[f"noise of {band}"] = f"{low:.3g} to {high:.3g}, median {middle:.3g}"
        return {"galaxies": f"{self.count:,}", **found}

    @property
    def expected(self) -> float:
        """Share of galaxies like the training galaxies that lie outside the domain by chance."""
        # of n galaxies and a new one, each is as likely the furthest of all
        return max(1 - QUANTILE, 1 / (self.count + 1))

    def distances(self, numbers: Mapping[str, Floats]) -> tuple[Floats, list[str]]:
        """Return how far galaxies are from the domain.

        Returns
        -------
        distances : array of float64, shape (n,)
            Above 1 outside.
        furthest : list of str
            The quantity of each galaxy in which it is that far.
        """
        names = list(self.quantities)
        each = np.stack(
            [self.quantities[name].distances(np.asarray(numbers[name], float)) for name in names]
        )
        return each.max(axis=0), [names[place] for place in each.argmax(axis=0)]

    def ranks(self, distances: Floats) -> Floats:
        """Return the share of training galaxies that are nearer, from 0 to 1."""
        return np.asarray(np.interp(distances, self.steps, _STEPS))

    def get_state(self) -> dict[str, Any]:
        """Return the description as JSON values and arrays."""
        return {
            "count": self.count,
            "steps": self.steps,
            "noise": {band: list(levels) for band, levels in self.noise.items()},
            "quantities": {name: dict(vars(each)) for name, each in self.quantities.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], widths: Mapping[str, int]) -> "TrainingDomain":
        """Return the description of a state that `get_state` returned.

        Parameters
        ----------
        state : mapping
        widths : mapping of str to int
            How many numbers each quantity that a model can measure has.

        Raises
        ------
        UsageError
            If it is no such state, or has a quantity that the model does not measure.
        KeyError, TypeError, ValueError
            Likewise.
        """
        count = state["count"]
        if not isinstance(count, int) or isinstance(count, bool) or count < _LEAST:
            raise UsageError("the saved number of its training galaxies is too small")
        quantities = {
            name: _checked(name, each, widths) for name, each in state["quantities"].items()
        }
        if not quantities:
            raise UsageError("the saved training domain has no quantity")
        noise = {
            str(band): [float(level) for level in levels] for band, levels in state["noise"].items()
        }
        if not all(len(levels) == _LEVELS for levels in noise.values()):
            raise UsageError(f"the saved noise of a band must be {_LEVELS} numbers")
        steps = np.asarray(state["steps"])
        if (
            steps.dtype != np.float64
            or steps.shape != _STEPS.shape
            or not (np.diff(steps) >= 0).all()
        ):
            raise UsageError("the saved distances of its training galaxies must be in order")
        return cls(quantities, steps, count, noise)


def _limit(distances: Floats) -> float:
    return float(np.quantile(distances, QUANTILE, method="higher")) or 1.0


def _whitening(rows: Floats, fill: Floats) -> tuple[Floats, Floats]:
    """Return the median of rows, and the axes that give them a covariance of one."""
    # scikit-learn is slow to import
    from sklearn.covariance import ledoit_wolf

    filled = np.where(np.isnan(rows), fill, rows)
    low, center, high = np.quantile(filled, [_ONE_BELOW, 0.5, 1 - _ONE_BELOW], axis=0)
    spread = (high - low) / 2
    # relative to the center: rounding is no spread
    spread = np.where(spread > 1e-9 * np.abs(center), spread, np.maximum(np.abs(center), 1.0))
    scaled = np.clip((filled - center) / spread, -_CLIP, _CLIP)
    covariance = ledoit_wolf(scaled, assume_centered=True)[0]
    values, vectors = np.linalg.eigh(covariance)
    # a direction without any spread: what leaves it is as far as a hundredth of the mean spread
    least = max(1e-4 * float(values.max()), 1e-12)
    return center, vectors / np.sqrt(np.maximum(values, least)) / spread[:, None]


def _lengths(rows: Floats, center: Floats, axes: Floats) -> Floats:
    # one number after the other: the rounding of a row must not depend on the other rows
    away = np.where(np.isnan(rows), 0.0, rows - center)
    projected = np.zeros_like(away)
    for place in range(away.shape[1]):
        projected += away[:, place : place + 1] * axes[place]
    total = np.zeros(len(rows))
    for place in range(away.shape[1]):
        total += projected[:, place] ** 2
    return np.asarray(np.sqrt(total))


def _checked(name: str, state: Mapping[str, Any], widths: Mapping[str, int]) -> DomainQuantity:
    if name not in widths or not 0 < widths[name] <= _NUMBERS:
        raise UsageError(f"the saved training domain has a quantity {name[:40]!r} of no model")
    width = widths[name]
    arrays = {}
    for part, shape in (
        ("center", (width,)),
        ("axes", (width, width)),
        ("low", (width,)),
        ("high", (width,)),
    ):
        array = np.asarray(state[part])
        if array.dtype != np.float64 or array.shape != shape or not np.isfinite(array).all():
            raise UsageError(f"the saved {part} of the quantity {name} must be finite numbers")
        arrays[part] = array
    limit = state["limit"]
    if not isinstance(limit, float) or not 0 < limit < np.inf:
        raise UsageError(f"the saved limit of the quantity {name} must be a positive number")
    return DomainQuantity(arrays["center"], arrays["axes"], limit, arrays["low"], arrays["high"])
