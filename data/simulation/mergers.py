"""Galaxy mergers: tidal tails, bridges and shells from test particles in two moving halos.

The restricted three-body problem: two rigid halos move on a parabolic orbit with dynamical
friction, and the stars of their disks are massless test particles. The resulting tails are curved,
fan out and fade as observed ones do; none is drawn by hand.

Units: the primary's half-light radius and mass and the gravitational constant are one.

References
----------
Toomre & Toomre 1972, ApJ 178, 623 (the method). Hernquist 1990, ApJ 356, 359 (the halos). Quinn
1984, ApJ 279, 596 (shells).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Debris", "simulate_encounter", "simulate_shells"]

Vectors = NDArray[np.float64]  # shape (3, n)

_HALO: Final = 0.9  # scale radius of the primary's halo
_CORE: Final = 0.2  # softening: orbits within would be too fast for the time step
_STEP: Final = 0.25
_INITIAL_SEPARATION: Final = 5.0  # of the two centers
_FRICTION: Final = 0.35
_DISK_SCALE: Final = 1 / 1.678  # scale length of an exponential disk with half-light radius one
_DISK_EDGE: Final = 3.2  # truncation radius of the disks
_STARS: Final = (2000, 1200)


@dataclass(frozen=True)
class Debris:
    """Stars after an encounter, seen from above the primary's disk and centered on the primary.

    Parameters
    ----------
    stars : array, shape (3, n)
        Positions.
    weights : array, shape (n,)
        Light of each star; the primary's disk has a total of one, the secondary's of 1 / mass
        ratio.
    second : array, shape (3,)
        Position of the secondary's center.
    """

    stars: Vectors
    weights: NDArray[np.float64]
    second: NDArray[np.float64]


def simulate_encounter(rng: Generator, mass_ratio: float, separation: float, late: bool) -> Debris:
    """Return the stars of two disks after an encounter.

    Parameters
    ----------
    rng : Generator
        For the orbit and the stars.
    mass_ratio : float
        Primary over secondary, at least one.
    separation : float
        Target distance of the two centers; the closest time step after the first passage is taken.
    late : bool
        Take a time step when the two centers have nearly merged instead.
    """
    small = 1 / mass_ratio
    path = _orbit(rng, small)
    moment = _choose_step(path, separation, late)
    # prograde disks develop tails
    tilt = _rotation(np.arccos(rng.uniform(0.45, 1)), rng.uniform(0, 2 * np.pi)) @ _rotation(
        0, rng.uniform(0, 2 * np.pi)
    )
    centers = np.einsum("ij,tbj->tbi", tilt, path)[: moment + 1]
    first, second = _draw_disk(rng, _STARS[0], 1.0), _draw_disk(rng, _STARS[1], small)
    second = second.rotated(
        tilt @ _rotation(np.arccos(rng.uniform(0.3, 1)), rng.uniform(0, 2 * np.pi))
    )
    drift = (centers[1] - centers[0]) / _STEP
    positions = np.concatenate(
        [first.positions + centers[0, 0][:, None], second.positions + centers[0, 1][:, None]],
        axis=1,
    )
    velocities = np.concatenate(
        [first.velocities + drift[0][:, None], second.velocities + drift[1][:, None]], axis=1
    )
    positions = _integrate(positions, velocities, centers, (1.0, small))
    apart = centers[moment, 1] - centers[moment, 0]
    return Debris(
        positions - centers[moment, 0][:, None], np.concatenate([first.light, second.light]), apart
    )


def simulate_shells(rng: Generator) -> Debris:
    """Return the stars of a small cold galaxy after a nearly radial infall."""
    number = sum(_STARS)
    away, azimuth = rng.uniform(2.0, 2.8), rng.uniform(-0.6, 0.6) + np.pi * rng.integers(2)
    positions = np.array([0.0, away, 0.0])[:, None] + rng.normal(0, 0.12, (3, number))
    velocities = np.array([rng.uniform(0, 0.05), 0.0, 0.0])[:, None] + rng.normal(
        0, 0.05, (3, number)
    )
    positions = _integrate(
        positions, velocities, np.zeros((int(rng.uniform(75, 170)), 1, 3)), (1.0,)
    )
    return Debris(
        _rotation(0, azimuth - np.pi / 2) @ positions, np.full(number, 1 / number), np.zeros(3)
    )


def _orbit(rng: Generator, small: float) -> NDArray[np.float64]:
    """Return the positions of both centers in the plane of the orbit, shape (steps, 2, 3)."""
    pericenter, reach, total = rng.uniform(0.5, 1.4), _HALO * (1 + np.sqrt(small)), 1 + small
    momentum = pericenter * np.sqrt(2 * total / (pericenter + reach))
    across = momentum / _INITIAL_SEPARATION
    position = np.array([_INITIAL_SEPARATION, 0.0, 0.0])
    velocity = np.array(
        [-np.sqrt(2 * total / (_INITIAL_SEPARATION + reach) - across**2), across, 0.0]
    )
    path = []
    for _ in range(220):
        path.append(position)
        position = position + velocity * (_STEP / 2)
        distance = np.sqrt(position @ position)
        pull = -total * position / (distance * (distance + reach) ** 2 + 1e-6)
        drag = _FRICTION * (1 + small) / 2 / (1 + (distance / 1.2) ** 2) ** 2
        velocity = (velocity + pull * _STEP) / (1 + drag * _STEP)
        position = position + velocity * (_STEP / 2)
    apart = np.array(path)
    return np.stack([-apart * (small / total), apart / total], axis=1)


def _choose_step(path: NDArray[np.float64], separation: float, late: bool) -> int:
    apart = np.linalg.norm(path[:, 1] - path[:, 0], axis=1)
    first = int(np.argmax(np.diff(apart) > 0))  # the first passage
    wait = int(6 / _STEP)  # for the tails to grow
    if late:
        merged = np.flatnonzero(np.maximum.accumulate(apart[::-1])[::-1] < 0.5)  # and stays so
        return int(
            min(max(merged[0] if merged.size else len(path) - 1, first + wait), len(path) - 1)
        )
    after = np.arange(first + wait, len(path))
    return int(after[np.argmin(np.abs(apart[after] - separation) + 0.002 * np.arange(after.size))])


@dataclass(frozen=True)
class _Stars:
    """Positions and velocities, shape (3, n), and light, shape (n,), of a galaxy's stars.

    They are relative to the center of the galaxy.
    """

    positions: Vectors
    velocities: Vectors
    light: NDArray[np.float64]

    def rotated(self, rotation: NDArray[np.float64]) -> "_Stars":
        return _Stars(rotation @ self.positions, rotation @ self.velocities, self.light)


def _draw_disk(rng: Generator, number: int, mass: float) -> _Stars:
    """Return a thin, cold, rotating disk.

    Its stars are uniform in radius, and their light makes it exponential.
    """
    radius, angle = rng.uniform(0.02, _DISK_EDGE, number), rng.uniform(0, 2 * np.pi, number)
    light = radius * np.exp(-radius / _DISK_SCALE)
    size = np.sqrt(mass)
    radius = radius * size
    circular = radius * np.sqrt(mass / np.hypot(radius, _CORE)) / (radius + _HALO * size)
    positions = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), rng.normal(0, 0.04 * size, number)]
    )
    velocities = np.stack([-circular * np.sin(angle), circular * np.cos(angle), np.zeros(number)])
    return _Stars(
        positions,
        velocities + rng.normal(0, 0.03, (3, number)) * np.sqrt(mass / size),
        light * (mass / light.sum()),
    )


def _rotation(tilt: float, azimuth: float) -> NDArray[np.float64]:
    """Return the rotation by `tilt` about the x axis and then by `azimuth` about the z axis."""
    c, s = np.cos(tilt), np.sin(tilt)
    a, b = np.cos(azimuth), np.sin(azimuth)
    turned: NDArray[np.float64] = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, c, -s], [0, s, c]]
    )
    return turned


def _integrate(
    positions: Vectors, velocities: Vectors, centers: NDArray[np.float64], masses: tuple[float, ...]
) -> Vectors:
    """Return the final positions of stars in halos moving along their paths, by leapfrog.

    Parameters
    ----------
    positions, velocities : array, shape (3, n)
    centers : array, shape (steps + 1, halos, 3)
    masses : tuple of float
        Of the halos.
    """
    position, velocity = positions.astype(np.float32), velocities.astype(np.float32)
    halfway = ((centers[:-1] + centers[1:]) / 2).astype(np.float32)
    position += velocity * np.float32(_STEP / 2)
    for halos in halfway:
        for halo, mass in zip(halos, masses, strict=True):
            _kick(velocity, position - halo[:, None], mass)
        position += velocity * np.float32(_STEP)
    return np.asarray(position - velocity * np.float32(_STEP / 2), dtype=np.float64)


def _kick(velocities: NDArray[np.float32], away: NDArray[np.float32], mass: float) -> None:
    """Apply the acceleration of a Hernquist halo for one step to stars at offsets `away`.

    `away` is overwritten.
    """
    squared = np.einsum("in,in->n", away, away)
    pull = np.sqrt(squared)
    pull += np.float32(_HALO * np.sqrt(mass))
    pull *= pull
    pull *= np.sqrt(squared + np.float32(_CORE**2))
    np.divide(np.float32(-mass * _STEP), pull, out=pull)
    away *= pull
    velocities += away
