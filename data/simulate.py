"""The simulated survey: galaxies of known class for whoever has none at hand.

The truth is drawn in `survey_truth`, turned into light in `scene` and into pixels in `render`; here it becomes a source that is read like
any other, and a batch for a first try.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
import pyarrow as pa

from galfeat import UsageError
from galfeat.data.cutouts import Cutout, Cutouts
from galfeat.data.instrument import noise_level
from galfeat.data.render import render
from galfeat.data.shards import Reading, Shard, cut_shards
from galfeat.data.survey_truth import Galaxy, draw_galaxies, truth_table

__all__ = ["SimulatedSurvey", "simulate"]

_SMALLEST = 16  # pixels: a smaller image holds no galaxy of these sizes


@dataclass(frozen=True)
class SimulatedSurvey:
    """A survey of simulated galaxies, rendered as it is read.

    Five classes (spiral, merger, clump, agn, q_sf) are equally frequent; the catalogue has ``id``, ``label`` and ``state`` (quiescent or
    star_forming). Every galaxy has its own random numbers: any part of the survey can be read alone and is the same.

    Parameters
    ----------
    n : int
        Galaxies.
    size : int
        Pixels of 0.06 arcsec along a side; at least 16.
    bands : sequence of str
        Of F435W, F606W, F814W, F125W, F160W.
    depth : {"deep", "wide", "shallow"}
        5-sigma limit of F814W 29.0, 27.5 or 26.0.
    seed : int
        The same seed is the same survey.

    Raises
    ------
    UsageError
        If a setting is unknown or outside its range.

    Examples
    --------
    >>> survey = SimulatedSurvey(10, size=32, bands=["F814W"])
    >>> [cutout.id for cutout in survey.read(Shard(3, 5)).cutouts]
    ['sim000003', 'sim000004']
    """

    n: int = 1000
    size: int = 64
    bands: tuple[str, ...] = ("F606W", "F814W", "F160W")
    depth: str = "wide"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in {"n": 1, "size": _SMALLEST, "seed": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise UsageError(f"{name} must be a whole number, at least {least}; it is {value!r}")
            object.__setattr__(self, name, int(value))
        if isinstance(self.bands, str):
            raise UsageError(f"bands must be a list of names; it is the text {self.bands!r}")
        object.__setattr__(self, "bands", tuple(self.bands))
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise UsageError(f"bands must be at least one and each named once; they are: {', '.join(self.bands) or 'none'}")
        for band in self.bands:
            noise_level(band, self.depth)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # another process draws the truth again

    def __len__(self) -> int:
        return self.n

    @cached_property
    def galaxies(self) -> list[Galaxy]:
        """The truth, one `Galaxy` each."""
        return draw_galaxies(self.n, self.seed)

    @cached_property
    def truth(self) -> pa.Table:
        """The truth as a table, one row a galaxy; its columns are explained at `Galaxy`."""
        return truth_table(self.galaxies)

    @property
    def catalog(self) -> pa.Table:
        """What an observer is told: ``id``, ``label`` and ``state``."""
        return self.truth.select(["id", "label", "state"])

    def shards(self, size: int = 256) -> Sequence[Shard]:
        """Return runs of galaxies, `size` in each."""
        return cut_shards(self.n, size)

    def read(self, shard: Shard) -> Reading:
        """Render the galaxies of a shard; none fails."""
        return Reading([self._cutout(galaxy) for galaxy in self.galaxies[shard.start : shard.stop]], [])

    def _cutout(self, galaxy: Galaxy) -> Cutout:
        pixels = render(galaxy, self.size, self.bands, self.depth, self.seed)
        return Cutout(galaxy.id, pixels, self.bands, row=galaxy.number)


def simulate(
    n: int = 1000, *, size: int = 64, bands: Sequence[str] = ("F606W", "F814W", "F160W"), depth: str = "wide", seed: int = 0
) -> Cutouts:
    """Return a batch of simulated galaxies.

    Parameters
    ----------
    n : int
        Galaxies; the five classes are equally frequent and in random order.
    size : int
        Pixels of 0.06 arcsec along a side; at least 16.
    bands : sequence of str
        Of F435W, F606W, F814W, F125W, F160W.
    depth : {"deep", "wide", "shallow"}
        5-sigma limit of F814W 29.0, 27.5 or 26.0.
    seed : int
        The same seed gives the same bytes.

    Returns
    -------
    Cutouts
        Pixels of shape (n, bands, size, size), microjansky, the sky at zero; a catalogue with ``id``, ``label`` and ``state``.

    Raises
    ------
    UsageError
        If a setting is unknown or outside its range.

    Examples
    --------
    >>> cutouts = simulate(10, size=32)
    >>> cutouts.pixels.shape
    (10, 3, 32, 32)
    >>> sorted(set(cutouts.labels.tolist()))
    ['agn', 'clump', 'merger', 'q_sf', 'spiral']
    """
    survey = SimulatedSurvey(n, size, bands, depth, seed)  # type: ignore[arg-type]  # it makes a tuple of them
    cutouts = survey.read(Shard(0, survey.n)).cutouts
    return Cutouts(np.stack([c.pixels for c in cutouts]), tuple(c.id for c in cutouts), survey.bands, catalog=survey.catalog)
