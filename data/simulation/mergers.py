"""How tidal tails, bridges and shells come about.

Test particles in the field of two galaxies that meet.

The restricted problem of three bodies: two rigid haloes move on a parabolic orbit with dynamical
friction, and the stars of their discs feel both but weigh nothing. Tails made so are curved, fan
out and fade, as observed ones do; none is drawn by hand.

Units: the primary's half-light radius and mass and the constant of gravity are one.

References
----------
Toomre & Toomre 1972, ApJ 178, 623 (the method). Hernquist 1990, ApJ 356, 359 (the haloes). Quinn
1984, ApJ 279, 596 (shells).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Debris", "encounter", "shells"]

Vectors = NDArray[np.float64]  # shape (3, n)

_HALO: Final = 0.9  # scale radius of the primary's halo
_CORE: Final = 0.2  # of the haloes' cusps: smaller circles would be faster than the steps
_STEP: Final = 0.25
_START: Final = 5.0  # separation at the beginning
_FRICTION: Final = 0.35
_DISC_SCALE: Final = 1 / 1.678  # of an exponential disc whose half-light radius is one
_EDGE: Final = 3.2  # where discs end
_STARS: Final = (2000, 1200)


@dataclass(frozen=True)
class Debris:
    """Stars of an encounter, seen from above the primary's disc and centred on the primary.

    Parameters
    ----------
    stars : array, shape (3, n)
        Places.
    weights : array, shape (n,)
        Light of each star; the primary's disc shines with one, the secondary's with 1 / mass ratio.
    second : array, shape (3,)
        Place of the secondary's centre.
    """

    stars: Vectors
    weights: NDArray[np.float64]
    second: NDArray[np.float64]


def encounter(rng: Generator, mass_ratio: float, separation: float, late: bool) -> Debris:
    """Return two discs after they have met.

    Parameters
    ----------
    rng : Generator
        Draws the orbit and the stars.
    mass_ratio : float
        Primary over secondary, at least one.
    separation : float
        Wanted distance of the two centres; the moment after the first passage that comes nearest is
        taken.
    late : bool
        Take a moment when the two centres have all but merged instead.
    """
    small = 1 / mass_ratio
    path = _orbit(rng, small)
    moment = _moment(path, separation, late)
    # a prograde disc makes tails
    tilt = _turn(np.arccos(rng.uniform(0.45, 1)), rng.uniform(0, 2 * np.pi)) @ _turn(
        0, rng.uniform(0, 2 * np.pi)
    )
    centres = np.einsum("ij,tbj->tbi", tilt, path)[: moment + 1]
    first, second = _disc(rng, _STARS[0], 1.0), _disc(rng, _STARS[1], small)
    second = second.turned(tilt @ _turn(np.arccos(rng.uniform(0.3, 1)), rng.uniform(0, 2 * np.pi)))
    drift = (centres[1] - centres[0]) / _STEP
    places = np.concatenate(
        [first.places + centres[0, 0][:, None], second.places + centres[0, 1][:, None]], axis=1
    )
    speeds = np.concatenate(
        [first.speeds + drift[0][:, None], second.speeds + drift[1][:, None]], axis=1
    )
    places = _flow(places, speeds, centres, (1.0, small))
    apart = centres[moment, 1] - centres[moment, 0]
    return Debris(
        places - centres[moment, 0][:, None], np.concatenate([first.light, second.light]), apart
    )


def shells(rng: Generator) -> Debris:
    """Return the stars of a small cold galaxy that fell almost straight through the primary, at
    right angles to the line of sight.
    """
    number = sum(_STARS)
    away, azimuth = rng.uniform(2.0, 2.8), rng.uniform(-0.6, 0.6) + np.pi * rng.integers(2)
    places = np.array([0.0, away, 0.0])[:, None] + rng.normal(0, 0.12, (3, number))
    speeds = np.array([rng.uniform(0, 0.05), 0.0, 0.0])[:, None] + rng.normal(0, 0.05, (3, number))
    places = _flow(places, speeds, np.zeros((int(rng.uniform(75, 170)), 1, 3)), (1.0,))
    return Debris(_turn(0, azimuth - np.pi / 2) @ places, np.full(number, 1 / number), np.zeros(3))


def _orbit(rng: Generator, small: float) -> NDArray[np.float64]:
    """Return the places of both centres in the plane of the orbit, shape (moments, 2, 3)."""
    pericentre, reach, total = rng.uniform(0.5, 1.4), _HALO * (1 + np.sqrt(small)), 1 + small
    momentum = pericentre * np.sqrt(2 * total / (pericentre + reach))
    across = momentum / _START
    place = np.array([_START, 0.0, 0.0])
    speed = np.array([-np.sqrt(2 * total / (_START + reach) - across**2), across, 0.0])
    path = []
    for _ in range(220):
        path.append(place)
        place = place + speed * (_STEP / 2)
        distance = np.sqrt(place @ place)
        pull = -total * place / (distance * (distance + reach) ** 2 + 1e-6)
        drag = _FRICTION * (1 + small) / 2 / (1 + (distance / 1.2) ** 2) ** 2
        speed = (speed + pull * _STEP) / (1 + drag * _STEP)
        place = place + speed * (_STEP / 2)
    apart = np.array(path)
    return np.stack([-apart * (small / total), apart / total], axis=1)


def _moment(path: NDArray[np.float64], separation: float, late: bool) -> int:
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
    """Places and speeds, shape (3, n), and light, shape (n,), of a galaxy's stars about its
    centre.
    """

    places: Vectors
    speeds: Vectors
    light: NDArray[np.float64]

    def turned(self, rotation: NDArray[np.float64]) -> "_Stars":
        return _Stars(rotation @ self.places, rotation @ self.speeds, self.light)


def _disc(rng: Generator, number: int, mass: float) -> _Stars:
    """Return a thin, cool, rotating disc.

    Its stars are spread evenly over the radius and their light makes it exponential.
    """
    radius, angle = rng.uniform(0.02, _EDGE, number), rng.uniform(0, 2 * np.pi, number)
    light = radius * np.exp(-radius / _DISC_SCALE)
    size = np.sqrt(mass)
    radius = radius * size
    circular = radius * np.sqrt(mass / np.hypot(radius, _CORE)) / (radius + _HALO * size)
    places = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), rng.normal(0, 0.04 * size, number)]
    )
    speeds = np.stack([-circular * np.sin(angle), circular * np.cos(angle), np.zeros(number)])
    return _Stars(
        places,
        speeds + rng.normal(0, 0.03, (3, number)) * np.sqrt(mass / size),
        light * (mass / light.sum()),
    )


def _turn(tilt: float, azimuth: float) -> NDArray[np.float64]:
    """Return the rotation by `tilt` about the x axis and then by `azimuth` about the z axis."""
    c, s = np.cos(tilt), np.sin(tilt)
    a, b = np.cos(azimuth), np.sin(azimuth)
    turned: NDArray[np.float64] = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, c, -s], [0, s, c]]
    )
    return turned


def _flow(
    places: Vectors, speeds: Vectors, centres: NDArray[np.float64], masses: tuple[float, ...]
) -> Vectors:
    """Return where stars have got to when the haloes have run along their paths, shape (steps + 1,
    haloes, 3); by leapfrog.
    """
    place, speed = places.astype(np.float32), speeds.astype(np.float32)
    halfway = ((centres[:-1] + centres[1:]) / 2).astype(np.float32)
    place += speed * np.float32(_STEP / 2)
    for haloes in halfway:
        for halo, mass in zip(haloes, masses, strict=True):
            _kick(speed, place - halo[:, None], mass)
        place += speed * np.float32(_STEP)
    return np.asarray(place - speed * np.float32(_STEP / 2), dtype=np.float64)


def _kick(speeds: NDArray[np.float32], away: NDArray[np.float32], mass: float) -> None:
    """Change the speeds as a Hernquist halo does in one step to stars so far away from its centre.

    `away` is used up.
    """
    squared = np.einsum("in,in->n", away, away)
    pull = np.sqrt(squared)
    pull += np.float32(_HALO * np.sqrt(mass))
    pull *= pull
    pull *= np.sqrt(squared + np.float32(_CORE**2))
    np.divide(np.float32(-mass * _STEP), pull, out=pull)
    away *= pull
    speeds += away
