"""Components of the galaxies of each class: bulge, disk, arms, bar, clumps, tails.

Each component is light on the fine grid with a share of the flux and a slope in wavelength relative
to the whole galaxy; `scene` gives them their colors.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from galfeat.data.simulation.mergers import Debris, simulate_encounter, simulate_shells
from galfeat.data.simulation.profiles import (
    FineGrid,
    Image,
    Sersic,
    Spiral,
    arms,
    blobs,
    particles,
    sersic,
    smoothed,
)
from galfeat.data.simulation.truth import GalaxyTruth

__all__ = ["LightComponent", "draw_components"]

Floats = NDArray[np.float64]

# slopes of flux with wavelength relative to the whole galaxy
_REDDER, _BLUE, _BLUER = 0.6, -0.7, -1.1
_CELL_SIDE: Final = (
    0.3  # half-light radii: the stars in a cell of this side determine their smoothing
)
# stars a cell (from, below), and sigma in half-light radii
_SMOOTHING: Final = ((16, np.inf, 0.06), (7, 16, 0.1), (3, 7, 0.18), (0, 3, 0.3))
_BOUND_RADIUS: Final = 1.5  # half-light radii from either center: stars beyond are tidal debris


@dataclass(frozen=True)
class LightComponent:
    """One component of a galaxy's light.

    Parameters
    ----------
    light : array of float32, shape (side, side)
        With a total of one.
    share : float
        Share of the galaxy's flux in the reference band.
    slope : float
        Exponent of the flux with wavelength, relative to the whole galaxy.
    defines_class : bool
        Whether it distinguishes the class: arms, clumps, tidal debris.
    """

    light: Image
    share: float
    slope: float = 0.0
    defines_class: bool = False

    def scaled(self, factor: float) -> "LightComponent":
        """Return the component with its share multiplied by a factor."""
        return replace(self, share=self.share * factor)


def draw_components(galaxy: GalaxyTruth, grid: FineGrid, rng: Generator) -> list[LightComponent]:
    """Return the components of a galaxy without its active nucleus; their shares sum to one.

    Parameters
    ----------
    galaxy : GalaxyTruth
    grid : FineGrid
    rng : Generator
        For details that the truth does not fix: phases, positions of clumps, the encounter.
    """
    parts = _DRAW_CLASS[galaxy.label](galaxy, grid, rng)
    share = abs(galaxy.compact_fraction)
    if not share:
        return parts
    compact = Sersic(
        galaxy.x,
        galaxy.y,
        0.11 * galaxy.radius,
        1.0,
        max(galaxy.axis_ratio, 0.5),
        galaxy.position_angle,
    )
    slope = _REDDER if galaxy.compact_fraction > 0 else _BLUER
    return [
        *(part.scaled(1 - share) for part in parts),
        LightComponent(sersic(grid, compact), share, slope),
    ]


def _disk(galaxy: GalaxyTruth) -> Sersic:
    return Sersic(galaxy.x, galaxy.y, galaxy.radius, 1.0, galaxy.axis_ratio, galaxy.position_angle)


def _bulge(galaxy: GalaxyTruth) -> Sersic:
    roundness = (1 + galaxy.axis_ratio) / 2
    return Sersic(
        galaxy.x,
        galaxy.y,
        galaxy.bulge_radius,
        galaxy.bulge_index,
        roundness,
        galaxy.position_angle,
    )


def _smooth(galaxy: GalaxyTruth, grid: FineGrid, rng: Generator) -> list[LightComponent]:  # noqa: ARG001 (a smooth galaxy has no details to draw)
    """Return disk and bulge."""
    disk, bulge = sersic(grid, _disk(galaxy)), sersic(grid, _bulge(galaxy))
    return [
        LightComponent(disk, 1 - galaxy.bulge_fraction),
        LightComponent(bulge, galaxy.bulge_fraction, _REDDER),
    ]


def _spiral(galaxy: GalaxyTruth, grid: FineGrid, rng: Generator) -> list[LightComponent]:
    disk, bulge = _smooth(galaxy, grid, rng)
    sense, phase, bar_length = (
        rng.choice([-1, 1]),
        rng.uniform(0, 2 * np.pi),
        rng.uniform(0.35, 0.6),
    )
    start = bar_length if galaxy.bar_fraction else rng.uniform(0.2, 0.35)
    spiral = Spiral(
        galaxy.arms, sense * galaxy.pitch, phase, start, rng.uniform(2, 4.5), rng.uniform(0, 0.35)
    )
    in_arms, kept = disk.share * galaxy.arm_fraction, 1 - galaxy.bar_fraction
    parts = [
        disk.scaled((1 - galaxy.arm_fraction) * kept),
        bulge.scaled(kept),
        LightComponent(
            arms(grid, _disk(galaxy), spiral), 0.9 * in_arms * kept, _BLUE, defines_class=True
        ),
        LightComponent(
            _knots(galaxy, grid, spiral, rng), 0.1 * in_arms * kept, _BLUER, defines_class=True
        ),
    ]
    if galaxy.bar_fraction:
        parts.append(
            LightComponent(_bar(galaxy, grid, phase, bar_length), galaxy.bar_fraction, _REDDER)
        )
    return parts


def _knots(galaxy: GalaxyTruth, grid: FineGrid, spiral: Spiral, rng: Generator) -> Image:
    """Return star-forming regions along the arms."""
    number = 24
    radius = rng.uniform(spiral.start, 2.2, number)
    azimuth = (
        spiral.angle(radius)
        + 2 * np.pi * rng.integers(0, spiral.number, number) / spiral.number
        + rng.normal(0, 0.12, number)
    )
    x, y = _project_disk(galaxy, radius * np.cos(azimuth), radius * np.sin(azimuth))
    return blobs(
        grid, x, y, rng.uniform(0.4, 0.9, number), rng.lognormal(0, 0.7, number) * np.exp(-radius)
    )


def _bar(galaxy: GalaxyTruth, grid: FineGrid, phase: float, length: float) -> Image:
    """Return a bar: a narrow ellipse in the disk's plane, projected."""
    across = phase + np.pi / 2
    tips = np.stack(
        _project_disk(
            galaxy,
            np.array([np.cos(phase), 0.28 * np.cos(across)]),
            np.array([np.sin(phase), 0.28 * np.sin(across)]),
        )
    )
    directions, axes, _ = np.linalg.svd(tips - np.array([[galaxy.x], [galaxy.y]]))
    angle = float(np.degrees(np.arctan2(directions[1, 0], directions[0, 0])))
    shape = Sersic(
        galaxy.x,
        galaxy.y,
        float(0.65 * length * axes[0]),
        0.5,
        float(max(axes[1] / axes[0], 0.15)),
        angle,
    )
    return sersic(grid, shape)


def _project_disk(galaxy: GalaxyTruth, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Project positions in the disk's plane (half-light radii from the nucleus) onto the image."""
    return _rotate_to_sky(galaxy, u * galaxy.radius, v * galaxy.radius * galaxy.axis_ratio)


def _rotate_to_sky(galaxy: GalaxyTruth, along: Floats, across: Floats) -> tuple[Floats, Floats]:
    cosine, sine = (
        np.cos(np.radians(galaxy.position_angle)),
        np.sin(np.radians(galaxy.position_angle)),
    )
    return galaxy.x + along * cosine - across * sine, galaxy.y + along * sine + across * cosine


def _clumpy(galaxy: GalaxyTruth, grid: FineGrid, rng: Generator) -> list[LightComponent]:
    number = galaxy.clumps
    radius, azimuth = 0.25 + 1.2 * rng.beta(1.6, 1.5, number), rng.uniform(0, 2 * np.pi, number)
    x, y = _project_disk(galaxy, radius * np.cos(azimuth), radius * np.sin(azimuth))
    clumps = blobs(
        grid, x, y, rng.uniform(0.06, 0.12, number) * galaxy.radius, rng.lognormal(0, 0.6, number)
    )
    smooth = [part.scaled(1 - galaxy.clump_fraction) for part in _smooth(galaxy, grid, rng)]
    return [*smooth, LightComponent(clumps, galaxy.clump_fraction, _BLUER, defines_class=True)]


def _merging(galaxy: GalaxyTruth, grid: FineGrid, rng: Generator) -> list[LightComponent]:
    rest = 1 - galaxy.tail_fraction
    if galaxy.merger_stage == "shells":
        # shells are observed around ellipticals
        rounder = replace(galaxy, cos_inclination=0.5 + 0.5 * galaxy.cos_inclination)
        smooth = [part.scaled(rest) for part in _smooth(rounder, grid, rng)]
        return [
            *smooth,
            _split_debris(galaxy, grid, simulate_shells(rng), 0.7)[1].scaled(galaxy.tail_fraction),
        ]
    met = simulate_encounter(
        rng, galaxy.mass_ratio, galaxy.separation, galaxy.merger_stage == "late"
    )
    near, far = _split_debris(galaxy, grid, met)
    mass = 1 / galaxy.mass_ratio
    x, y = (float(place[0]) for place in _project(galaxy, met.second[:, None]))
    second = Sersic(
        x, y, galaxy.bulge_radius * mass**0.5, galaxy.bulge_index, 0.85, galaxy.position_angle
    )
    bulges = galaxy.bulge_fraction * rest / (1 + mass)
    return [
        near.scaled((1 - galaxy.bulge_fraction) * rest),
        far.scaled(galaxy.tail_fraction),
        LightComponent(sersic(grid, _bulge(galaxy)), bulges, _REDDER),
        LightComponent(sersic(grid, second), bulges * mass, _REDDER),
    ]


def _project(galaxy: GalaxyTruth, places: Floats) -> tuple[Floats, Floats]:
    """Project positions in space onto the image; the first two axes span the disk."""
    tilt = np.sqrt(1 - galaxy.cos_inclination**2)
    return _rotate_to_sky(
        galaxy,
        places[0] * galaxy.radius,
        (places[1] * galaxy.cos_inclination + places[2] * tilt) * galaxy.radius,
    )


def _split_debris(
    galaxy: GalaxyTruth, grid: FineGrid, debris: Debris, far: float = _BOUND_RADIUS
) -> tuple[LightComponent, LightComponent]:
    """Return the light of bound stars, and of those beyond `far` radii of both centers."""
    x, y = _project(galaxy, debris.stars)
    away = np.minimum(
        np.linalg.norm(debris.stars, axis=0),
        np.linalg.norm(debris.stars - debris.second[:, None], axis=0),
    )
    density = _stars_per_cell(x / (_CELL_SIDE * galaxy.radius), y / (_CELL_SIDE * galaxy.radius))
    parts = []
    for kept, slope, thrown in ((away < far, 0.0, False), (away >= far, 0.5 * _BLUE, True)):
        weights = np.where(kept, debris.weights, 0) / debris.weights[kept].sum()
        among = [
            (kept & (density >= fewest) & (density < most), width * galaxy.radius)
            for fewest, most, width in _SMOOTHING
        ]
        light = smoothed(
            [
                (particles(grid, x[chosen], y[chosen], weights[chosen]), sigma)
                for chosen, sigma in among
                if chosen.any()
            ]
        )
        parts.append(LightComponent(light, 1.0, slope, defines_class=thrown))
    return parts[0], parts[1]


def _stars_per_cell(x: Floats, y: Floats) -> NDArray[np.intp]:
    """Return for each star the number of stars in its cell of unit side."""
    cells = np.clip(np.floor(np.stack([x, y])).astype(np.int64) + 64, 0, 127)
    cell = cells[0] * 128 + cells[1]
    density: NDArray[np.intp] = np.bincount(cell, minlength=128 * 128)[cell]
    return density


_DRAW_CLASS: Final[
    dict[str, Callable[[GalaxyTruth, FineGrid, Generator], list[LightComponent]]]
] = {
    "spiral": _spiral,
    "merger": _merging,
    "clump": _clumpy,
    "agn": _smooth,
    "q_sf": _smooth,
}
