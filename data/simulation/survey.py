"""Simulated survey: galaxies of known class, rendered on request.

The true parameters are drawn in `truth`, turned into light in `scene` and into pixels in `render`;
here they become a source that is read like any other, and a batch for a first try.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.cutouts import Cutout, Cutouts
from galfeat.data.simulation.correlated_noise import NOISES
from galfeat.data.simulation.detectability import visibility
from galfeat.data.simulation.instrument import Camera, camera_of, noise_level
from galfeat.data.simulation.render import fine_grid, render, render_scene
from galfeat.data.simulation.scene import draw_scene
from galfeat.data.simulation.truth import (
    KINDS,
    GalaxyTruth,
    assign_kinds,
    consistent_state,
    draw_galaxy,
    galaxy_id,
    truth_table,
)
from galfeat.data.sources.base import Reading, Shard, cut_shards

__all__ = ["SimulatedSurvey", "simulate"]

# pixels: a smaller image cannot contain these galaxies, a larger one does not fit into memory
_MIN_SIZE, _MAX_SIZE = 16, 4096


@dataclass(frozen=True)
class SimulatedSurvey:
    """Survey of simulated galaxies that is rendered as it is read.

    Five classes (spiral, merger, clump, agn, q_sf) are equally frequent; the catalog has ``id``,
    ``label`` and ``state`` (quiescent or star_forming). Every galaxy has its own random numbers:
    any part of the survey can be read alone and is the same.

    Parameters
    ----------
    n : int
        Number of galaxies.
    size : int
        Pixels along a side; at least 16. They are 0.06 arcsec wide, or 0.2 arcsec on the ground.
    bands : sequence of str
        Of one camera: F435W, F606W, F814W, F125W, F160W in space, or g, r, i, z on the ground.
    depth : {"deep", "wide", "shallow"}
        5-sigma limit of F814W 29.0, 27.5 or 26.0; of i on the ground 26.8, 25.3 or 23.8.
    seed : int
        The same seed gives the same survey, on one machine to the same bytes; see `simulate`.
    noise : {"correlated", "white"}
        Whether the noise of pixels is correlated with their neighbors', as in images that were
        drizzled (space) or resampled (ground), or independent.
    realistic : bool
        Give the classes the observed differences in size, redshift, color, bulge and environment.
        By default they are matched, so that only the shape distinguishes the classes.

    Raises
    ------
    UsageError
        If a setting is unknown or outside its range, or the bands are not of one camera.

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
    noise: str = "correlated"
    realistic: bool = False

    def __post_init__(self) -> None:
        for name, least in {"n": 1, "size": _MIN_SIZE, "seed": 0}.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise UsageError(
                    f"{name} must be a whole number, at least {least}; it is {value!r}"
                )
            object.__setattr__(self, name, int(value))
        if self.size > _MAX_SIZE:
            raise UsageError(f"size must be at most {_MAX_SIZE} pixels; it is {self.size}")
        if isinstance(self.bands, str):
            raise UsageError(f"bands must be a list of names; it is the text {self.bands!r}")
        object.__setattr__(self, "bands", tuple(self.bands))
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise UsageError(
                "bands must be at least one and each named once; they are: "
                f"{', '.join(self.bands) or 'none'}"
            )
        camera_of(self.bands)
        noise_level(self.bands[0], self.depth)
        if self.noise not in NOISES:
            raise UsageError(f"unknown noise {self.noise!r}; choose {' or '.join(NOISES)}")
        if not isinstance(self.realistic, bool | np.bool_):
            raise UsageError(f"realistic must be True or False; it is {self.realistic!r}")

    def __getstate__(self) -> dict[str, Any]:
        return self.settings  # cached parameters are drawn again in another process

    def __len__(self) -> int:
        return self.n

    @property
    def settings(self) -> dict[str, Any]:
        """Constructor arguments of this survey."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def camera(self) -> Camera:
        """Camera that has these bands."""
        return camera_of(self.bands)

    @cached_property
    def _kinds(self) -> NDArray[np.int8]:
        return assign_kinds(self.n, self.seed)

    def galaxy(self, number: int) -> GalaxyTruth:
        """Return the true parameters of one galaxy by its index in the survey."""
        label, state = KINDS[self._kinds[number]]
        return draw_galaxy(
            number, label, state, self.seed, camera=self.camera, realistic=self.realistic
        )

    @cached_property
    def galaxies(self) -> list[GalaxyTruth]:
        """True parameters of all galaxies, a `GalaxyTruth` each."""
        return [self.galaxy(number) for number in range(self.n)]

    @cached_property
    def truth(self) -> pa.Table:
        """True parameters as drawn, one row a galaxy; see `GalaxyTruth` for the columns.

        `observe` adds how visible they are.
        """
        return truth_table(self.galaxies)

    @property
    def catalog(self) -> pa.Table:
        """Catalog of an observer: ``id``, ``label`` and ``state``."""
        labels, states = zip(*(consistent_state(*KINDS[kind]) for kind in self._kinds), strict=True)
        return pa.table(
            {
                "id": [galaxy_id(number) for number in range(self.n)],
                "label": labels,
                "state": states,
            }
        )

    def shards(self, size: int = 256) -> Sequence[Shard]:
        """Return shards of `size` consecutive galaxies each."""
        return cut_shards(self.n, size)

    def read(self, shard: Shard) -> Reading:
        """Render the galaxies of a shard; none fails."""
        return Reading(
            [self._cutout(self.galaxy(number)) for number in range(shard.start, shard.stop)], []
        )

    def observe(self, shard: Shard) -> tuple[list[Cutout], pa.Table]:
        """Render the galaxies of a shard and measure how visible their features are.

        Returns
        -------
        cutouts : list of Cutout
            The same as `read` gives.
        truth : pyarrow.Table
            The columns of `GalaxyTruth` and of `Visibility`.
        """
        cutouts, seen, galaxies = (
            [],
            [],
            [self.galaxy(number) for number in range(shard.start, shard.stop)],
        )
        for galaxy in galaxies:
            scene = draw_scene(galaxy, self.bands, fine_grid(self.size), self.seed)
            pixels = render_scene(
                scene,
                galaxy,
                self.size,
                self.bands,
                depth=self.depth,
                seed=self.seed,
                noise=self.noise,
            )
            cutouts.append(Cutout(galaxy.id, pixels, self.bands, row=galaxy.number))
            seen.append(vars(visibility(galaxy, scene, self.size, self.depth)))
        table, shown = truth_table(galaxies), pa.Table.from_pylist(seen)
        for name in shown.column_names:
            table = table.append_column(name, shown.column(name))
        return cutouts, table

    def _cutout(self, galaxy: GalaxyTruth) -> Cutout:
        pixels = render(galaxy, self.size, self.bands, self.depth, self.seed, noise=self.noise)
        return Cutout(galaxy.id, pixels, self.bands, row=galaxy.number)


def simulate(
    n: int = 1000,
    *,
    size: int = 64,
    bands: Sequence[str] = ("F606W", "F814W", "F160W"),
    depth: str = "wide",
    seed: int = 0,
    noise: str = "correlated",
    realistic: bool = False,
) -> Cutouts:
    """Return a batch of simulated galaxies.

    Parameters
    ----------
    n : int
        Number of galaxies; the five classes are equally frequent and in random order.
    size : int
        Pixels along a side; at least 16. They are 0.06 arcsec wide, or 0.2 arcsec on the ground.
    bands : sequence of str
        Of one camera: F435W, F606W, F814W, F125W, F160W in space, or g, r, i, z on the ground.
    depth : {"deep", "wide", "shallow"}
        5-sigma limit of F814W 29.0, 27.5 or 26.0; of i on the ground 26.8, 25.3 or 23.8.
    seed : int
        The same seed gives the same bytes on one machine. On another processor, light differs by
        rounding, and by that, in few images, the draw of the noise.
    noise : {"correlated", "white"}
        Whether the noise of pixels is correlated with their neighbors', as in images that were
        drizzled (space) or resampled (ground), or independent.
    realistic : bool
        Let size, redshift, color, bulge and environment differ from class to class as observed; by
        default they are matched.

    Returns
    -------
    Cutouts
        Pixels of shape (n, bands, size, size), microjansky, the sky at zero; a catalog with ``id``,
        ``label`` and ``state``.

    Raises
    ------
    UsageError
        If a setting is unknown or outside its range, or the bands are not of one camera.

    Examples
    --------
    >>> cutouts = simulate(10, size=32)
    >>> cutouts.pixels.shape
    (10, 3, 32, 32)
    >>> sorted(set(cutouts.labels.tolist()))
    ['agn', 'clump', 'merger', 'q_sf', 'spiral']
    """
    survey = SimulatedSurvey(n, size, bands, depth, seed, noise, realistic)  # type: ignore[arg-type]  # it makes a tuple of them
    cutouts = survey.read(Shard(0, survey.n)).cutouts
    return Cutouts(
        np.stack([c.pixels for c in cutouts]),
        tuple(c.id for c in cutouts),
        survey.bands,
        catalog=survey.catalog,
    )
