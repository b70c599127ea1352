"""What extractors promise not to react to, measured on simulated galaxies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import SimulatedSurvey
from galfeat.features import EXTRACTORS, INVARIANCES, Extractor
from galfeat.features.registry import REGISTRY
from galfeat.pipeline.invariance.images import AMOUNTS, NEW_EXPOSURES, photographs

__all__ = ["Audit", "Finding", "audit", "audited", "changes_of", "relative_change", "spread_of"]

_RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)  # percent
_ROUNDING = 1e-6  # of a feature's largest value: one that spreads less is the same in all galaxies
_MOST = 2.0  # of a relative change, squared: before and after lie on opposite sides
_ALL_NOISE = 0.01  # of the spread: with less left beside the noise there is nothing to compare with
_COLUMNS = 1024  # features compared at once, which bounds the memory


@dataclass(frozen=True)
class Finding:
    """How much one change moves the vectors of one extractor.

    Parameters
    ----------
    extractor, change, amount : str
        Who, what, and how much of it.
    relative_change : float
        Root-mean-square change of the vectors over the root-mean-square distance between different
        galaxies' vectors; what the noise alone does is taken off where a new exposure was needed.
        See `audit`.
    low, high : float
        Its 95 % interval over galaxies, by bootstrap.
    promised, kept : bool
        Whether the extractor promises not to react, and whether it does not react by more than the
        limit of `INVARIANCES`. A promise is broken only if all of the interval lies beyond the
        limit.
    """

    extractor: str
    change: str
    amount: str
    relative_change: float
    low: float
    high: float
    promised: bool
    kept: bool

    def __str__(self) -> str:
        limit = INVARIANCES[self.change].limit
        verb = "keeps" if self.kept else "breaks"
        found = (
            f"relative change {self.relative_change:.2g}, 95 % interval {self.low:.2g} to "
            f"{self.high:.2g}, at most {limit:g} promised"
        )
        return f"{self.extractor} {verb} its promise of {self.change} ({self.amount}): {found}"


@dataclass(frozen=True)
class Audit:
    """What was found.

    Parameters
    ----------
    rows : tuple of Finding
        Each extractor, each change, in the order of `INVARIANCES`.
    n : int
        Galaxies.
    """

    rows: tuple[Finding, ...]
    n: int

    @property
    def table(self) -> pa.Table:
        """The findings as a table, one row each, in the columns of `Finding`."""
        return pa.Table.from_pylist([asdict(row) for row in self.rows])

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The promises that were not kept."""
        return tuple(row for row in self.rows if row.promised and not row.kept)

    @property
    def extractors(self) -> tuple[str, ...]:
        """Names of the extractors, in their order."""
        return tuple(dict.fromkeys(row.extractor for row in self.rows))

    def of(self, extractor: str, change: str) -> Finding:
        """Return the finding on one extractor and one change."""
        return next(row for row in self.rows if (row.extractor, row.change) == (extractor, change))


def audited() -> dict[str, Extractor]:
    """Return what an audit looks at unless told otherwise.

    Every extractor with its default settings, and notable variants.
    """
    chosen: dict[str, Extractor] = {}
    for name, kind in EXTRACTORS.items():
        chosen[name] = kind()
        for variant, settings in REGISTRY[name].variants.items():
            chosen[f"{name}, {variant}"] = kind(**settings)
    return chosen


def audit(
    extractors: Mapping[str, Extractor] | None = None,
    *,
    n: int = 200,
    size: int = 64,
    bands: Sequence[str] = ("F606W", "F814W", "F160W"),
    depth: str = "wide",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Measure what extractors react to, on simulated galaxies that are photographed again in other
    ways.

    The relative change is the root-mean-square difference between a galaxy's vectors before and
    after, divided by the root-mean-square difference between the vectors of different galaxies: 0
    is no change, 1 is as far from itself as from any other galaxy, and the square root of 2 the
    most there is. Each feature is divided by its standard deviation over the galaxies before and
    after, so that all features of an extractor count alike, as they do in a network; features that
    are the same in all galaxies are left out.

    Some changes need a new exposure, whose noise changes the vectors too. There what a new exposure
    alone does, to the galaxies before and to those after, is subtracted from both the mean square
    change and the mean square distance.

    Parameters
    ----------
    extractors : mapping of str to Extractor, optional
        Extractors and the names they have in the result; `audited` unless given. They are fitted on
        the galaxies before the change.
    n : int
        Galaxies; at least 2.
    size, bands, depth, seed
        The survey; see `galfeat.data.SimulatedSurvey`. The seed decides everything.
    progress : callable, optional
        Called with how many galaxies are photographed, and how many there are.

    Returns
    -------
    Audit

    Raises
    ------
    UsageError
        If a setting is out of its range, or the images are too small for an extractor.

    Notes
    -----
    Sky (plus one noise sigma), flux (twice), 90 degrees and mirroring are done to the values that
    the extractor sees. A shift (one pixel) is another window of the same exposure. A rotation by
    any angle (another for each galaxy) and an enlargement (15 %, surface brightness kept) need a
    new exposure, the light being moved before it meets the point spread function and the noise.

    Examples
    --------
    >>> from galfeat.features import HOG
    >>> from galfeat.pipeline import audit
    >>> found = audit({"hog": HOG()}, n=5, size=32)
    >>> found.of("hog", "sky").kept, found.of("hog", "flip").promised
    (True, False)
    """
    if n < 2:
        raise UsageError(f"an audit compares different galaxies: n must be at least 2; it is {n}")
    chosen = audited() if extractors is None else dict(extractors)
    images = photographs(SimulatedSurvey(n, size, tuple(bands), depth, seed), progress)
    rows = []
    for name, extractor in chosen.items():
        before = extractor.fit_transform(images["reference"])
        vectors = {each: extractor.transform(pixels) for each, pixels in images.items()}
        for change in INVARIANCES:
            spread = spread_of(before, vectors[change])
            squares, noise = changes_of(before, vectors[change], spread), np.zeros(n)
            # the noise of the galaxy before, and that of the galaxy after
            if change in NEW_EXPOSURES:
                again = (
                    changes_of(before, vectors["noise"], spread),
                    changes_of(vectors[change], vectors[f"{change} again"], spread),
                )
                noise = (again[0] + again[1]) / 2
            rows.append(_finding(name, change, (squares, noise), change in extractor.promises))
    return Audit(tuple(rows), n)


def spread_of(before: NDArray[np.floating], after: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the standard deviation of each feature over the galaxies before and after a change,
    shape (k,).

    A feature that is the same in all of them but for rounding has none: 0.
    """
    spread = np.empty(before.shape[1])
    for start in range(0, len(spread), _COLUMNS):
        part = slice(start, start + _COLUMNS)
        both = np.concatenate([before[:, part], after[:, part]]).astype(np.float64)
        found = both.std(axis=0)
        spread[part] = np.where(found > _ROUNDING * np.abs(both).max(axis=0), found, 0)
    return spread


def changes_of(
    before: NDArray[np.floating], after: NDArray[np.floating], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the squared relative change of each galaxy.

    Parameters
    ----------
    before, after : arrays, shape (n, k)
        Vectors of the same galaxies.
    spread : array, shape (k,)
        What each feature's change is measured by; features whose spread is 0 are left out.

    Returns
    -------
    array, shape (n,)
        Their mean is the square of the relative change: 1 if galaxies were dealt anew.
    """
    varies = spread > 0
    total = np.zeros(len(before))
    for start in range(0, len(spread), _COLUMNS):
        part = np.flatnonzero(varies[start : start + _COLUMNS]) + start
        apart = (after[:, part].astype(np.float64) - before[:, part]) / spread[part]
        total += (apart**2).sum(axis=1) / 2  # two galaxies are two spreads, squared, apart
    return total / max(int(np.count_nonzero(varies)), 1)


def _finding(
    extractor: str,
    change: str,
    squares: tuple[NDArray[np.float64], NDArray[np.float64]],
    promised: bool,
) -> Finding:
    # the same galaxies are drawn again for every extractor and change
    chance = np.random.default_rng(0)
    n = len(squares[0])
    drawn = chance.integers(0, n, (_RESAMPLES, n))
    value = float(relative_change(*(each.mean() for each in squares)))
    low, high = np.percentile(
        relative_change(*(each[drawn].mean(axis=1) for each in squares)), _INTERVAL
    )
    kept = bool(low <= INVARIANCES[change].limit)
    return Finding(
        extractor, change, AMOUNTS[change], value, float(low), float(high), promised, kept
    )


def relative_change(change: Any, noise: Any) -> Any:
    """Return the relative change beyond the noise.

    Parameters
    ----------
    change, noise : float or array
        Mean squares, over galaxies, of all change and of the part that is noise; where there is
        none of that, the result is the square root of the first.
    """
    beyond = np.maximum(change - noise, 0) / np.maximum(1 - noise, _ALL_NOISE)
    return np.sqrt(np.minimum(beyond, _MOST))
