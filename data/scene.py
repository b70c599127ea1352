"""From the truth about a galaxy to the light of its field in every band.

The parts of a galaxy share its integrated spectrum: a bulge is redder and arms, clumps and starbursts are bluer than the whole, but tilted
so that the whole keeps its colour. Otherwise colour alone would name the classes with blue parts. An active nucleus adds its own colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from galfeat.data.instrument import BANDS, REFERENCE, flux
from galfeat.data.profiles import Grid, Sersic, sersic_patch
from galfeat.data.structure import Part, draw_parts
from galfeat.data.survey_truth import FIELD, Galaxy, counted_magnitude, stream
from galfeat.data.templates import Spectrum, star_colours

__all__ = ["Point", "Scene", "draw_scene"]

Floats = NDArray[np.float64]

_REFERENCE: Final = BANDS[REFERENCE].pivot
_NUCLEUS_SLOPE: Final = 0.44  # flux goes as frequency^-0.44
_STARS: Final = 0.2  # of the neighbours


@dataclass(frozen=True)
class Point:
    """A source without extent: its place, pixels from the centre of the image, and its flux in every band."""

    x: float
    y: float
    fluxes: Floats


@dataclass(frozen=True)
class Scene:
    """What the telescope looks at.

    Parameters
    ----------
    grid : Grid
    wavelengths : array, shape (bands,)
        Pivot wavelengths, Angstrom.
    light : array of float32, shape (bands, side, side)
        Extended light, microjansky a fine pixel.
    points : list of Point
    """

    grid: Grid
    wavelengths: Floats
    light: NDArray[np.float32]
    points: list[Point] = field(default_factory=list)


def draw_scene(galaxy: Galaxy, bands: Sequence[str], grid: Grid, seed: int) -> Scene:
    """Return a galaxy and what lies around it.

    Parameters
    ----------
    galaxy : Galaxy
        The truth; details below it (places of clumps, the encounter, neighbours) come from the galaxy's own random numbers.
    bands : sequence of str
    grid : Grid
    seed : int
        Seed of the survey.
    """
    scene = Scene(grid, np.array([BANDS[band].pivot for band in bands]), np.zeros((len(bands), grid.side, grid.side), dtype=np.float32))
    total = flux(galaxy.magnitude)
    whole = total * (1 - galaxy.nucleus_fraction) * galaxy.spectrum.colours(scene.wavelengths, galaxy.redshift, _REFERENCE)
    contrast = 1.0 if galaxy.state == "star_forming" else 0.3
    _add_parts(scene, draw_parts(galaxy, grid, stream(seed, galaxy.number, 1)), whole, contrast)
    if galaxy.dust_lane:
        _dim_lane(scene, galaxy)
    if galaxy.nucleus_fraction:
        power_law = (scene.wavelengths / _REFERENCE) ** _NUCLEUS_SLOPE
        scene.points.append(Point(galaxy.x, galaxy.y, total * galaxy.nucleus_fraction * power_law))
    _add_neighbours(scene, galaxy, stream(seed, galaxy.number, 2))
    return scene


def _add_parts(scene: Scene, parts: Sequence[Part], whole: Floats, contrast: float) -> None:
    """Tilt the parts' colours against each other by `contrast` and scale them so that their sum has the whole's."""
    slopes, shares = (np.array([getattr(part, name) for part in parts]) for name in ("slope", "share"))
    tilted = shares[:, None] * (scene.wavelengths / _REFERENCE) ** (contrast * slopes[:, None])
    fluxes = (tilted / tilted.sum(axis=0) * whole).astype(np.float32)
    for part, values in zip(parts, fluxes, strict=True):
        for image, value in zip(scene.light, values, strict=True):
            image += part.light * value


def _dim_lane(scene: Scene, galaxy: Galaxy) -> None:
    """Lay a dust lane along the major axis of an edge-on disc; the light that is left is scaled to the same total."""
    angle, axis = np.radians(galaxy.position_angle), scene.grid.axis
    x, y = (axis - galaxy.x)[None, :], (axis - galaxy.y)[:, None]
    along, across = (x * np.cos(angle) + y * np.sin(angle)) / galaxy.radius, (y * np.cos(angle) - x * np.sin(angle)) / galaxy.radius
    lane = np.exp(-0.5 * ((across - 0.08) / 0.1) ** 2 - 0.5 * (along / 1.2) ** 2)  # a little before the nucleus: no disc is quite edge-on
    for image, wavelength in zip(scene.light, scene.wavelengths, strict=True):
        before = image.sum()
        image *= np.exp(-galaxy.dust_lane * (_REFERENCE / wavelength) * lane).astype(np.float32)
        image *= before / image.sum()


def _add_neighbours(scene: Scene, galaxy: Galaxy, rng: Generator) -> None:
    """Strew projected galaxies and stars over the field, and put the bright companion beside the galaxy if there is one."""
    for _ in range(galaxy.neighbours):
        distance, magnitude = FIELD * np.sqrt(rng.uniform()), counted_magnitude(rng, 21, 26)
        _add_neighbour(scene, galaxy, distance, magnitude, rng)
    if galaxy.companion_distance:
        _add_neighbour(scene, galaxy, galaxy.companion_distance, galaxy.magnitude + galaxy.companion_faintness, rng)


def _add_neighbour(scene: Scene, galaxy: Galaxy, distance: float, magnitude: float, rng: Generator) -> None:
    azimuth = rng.uniform(0, 2 * np.pi)
    x, y = galaxy.x + distance * np.cos(azimuth), galaxy.y + distance * np.sin(azimuth)
    kind, rung, dust, redshift, heat, width = rng.uniform(size=6)
    index, axis_ratio, angle = float(rng.choice([1.0, 1.0, 2.0, 3.0])), rng.uniform(0.3, 1), rng.uniform(0, 180)
    if kind < _STARS:
        if max(abs(x), abs(y)) < scene.grid.half - 8:  # clear of the edge, where a point would come in again on the other side
            scene.points.append(Point(x, y, flux(magnitude) * star_colours(3500 + 3500 * heat, scene.wavelengths, _REFERENCE)))
        return
    spectrum = Spectrum(0.4 * rung, 0.2 * dust) if kind < 0.5 else Spectrum(1 + 2 * rung, 0.8 * dust)
    fluxes = flux(magnitude) * spectrum.colours(scene.wavelengths, 0.2 + redshift, _REFERENCE)
    radius = 1.5 + 5 * width * 10 ** (-0.12 * (magnitude - 21))
    rows, columns, light = sersic_patch(scene.grid, Sersic(x, y, radius, index, axis_ratio, angle), reach=(4 + 2 * index) * radius)
    for image, value in zip(scene.light, fluxes, strict=True):
        image[rows, columns] += light * np.float32(value)
