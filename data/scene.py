"""From the truth about a galaxy to its light: the components on the fine grid, each with its flux in every band.

Components share the galaxy's integrated spectrum: a bulge is redder and arms, clumps and starbursts are bluer than the whole, but tilted
so that the whole keeps its colour. Otherwise colour alone would name the classes with blue parts. An active nucleus adds its own colour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from galfeat.data.encounter import Debris, encounter, shells
from galfeat.data.instrument import BANDS, REFERENCE, flux
from galfeat.data.profiles import Grid, Image, Sersic, Spiral, arms, blobs, particles, sersic
from galfeat.data.survey_truth import Galaxy, stream
from galfeat.data.templates import Spectrum, star_colours

__all__ = ["Point", "Scene", "draw_scene"]

_PIVOT: Final = {band: camera.pivot for band, camera in BANDS.items()}
_REDDER, _BLUE, _BLUER = 0.6, -0.7, -1.1  # slopes of flux with wavelength relative to the whole galaxy
_NUCLEUS_SLOPE: Final = 0.44  # flux goes as frequency^-0.44
_SMOOTHING: Final = (0.05, 0.12)  # of particles near to and far from the centres, in half-light radii


@dataclass(frozen=True)
class Point:
    """A source without extent: its place, pixels from the centre of the image, and its flux in every band."""

    x: float
    y: float
    fluxes: NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What the telescope looks at.

    Parameters
    ----------
    light : array of float32, shape (bands, side, side)
        Extended light, microjansky per fine pixel.
    points : list of Point
    """

    light: NDArray[np.float32]
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True)
class _Part:
    """Part of a galaxy: its light (with a total of one), its share of the flux in the reference band, its slope in wavelength."""

    light: Image
    share: float
    slope: float = 0.0


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
    wavelengths = np.array([_PIVOT[band] for band in bands])
    total = flux(galaxy.magnitude)
    host = total * (1 - galaxy.nucleus_fraction)
    whole = host * galaxy.spectrum.colours(wavelengths, galaxy.redshift, _PIVOT[REFERENCE])
    parts = _PARTS[galaxy.label](galaxy, grid, stream(seed, galaxy.number, 1))
    light = _coloured(_with_compact_centre(galaxy, grid, parts), whole, wavelengths, galaxy.state)
    scene = Scene(light)
    if galaxy.nucleus_fraction:
        power_law = (wavelengths / _PIVOT[REFERENCE]) ** _NUCLEUS_SLOPE
        scene.points.append(Point(galaxy.x, galaxy.y, total * galaxy.nucleus_fraction * power_law))
    _add_neighbours(scene, galaxy, wavelengths, grid, stream(seed, galaxy.number, 2))
    return scene


def _coloured(parts: list[_Part], whole: NDArray[np.float64], wavelengths: NDArray[np.float64], state: str) -> NDArray[np.float32]:
    """Tilt the parts' colours against each other and scale them so that their sum keeps the whole's."""
    slopes = np.array([part.slope for part in parts]) * (1.0 if state == "star_forming" else 0.3)
    shares = np.array([part.share for part in parts])
    tilted = shares[:, None] * (wavelengths / _PIVOT[REFERENCE]) ** slopes[:, None]
    weights = (tilted / tilted.sum(axis=0) * whole).astype(np.float32)
    light = np.zeros((len(whole), *parts[0].light.shape), dtype=np.float32)
    for part, fluxes in zip(parts, weights, strict=True):
        for band, value in enumerate(fluxes):
            light[band] += value * part.light
    return light


def _disc(galaxy: Galaxy) -> Sersic:
    return Sersic(galaxy.x, galaxy.y, galaxy.radius, 1.0, galaxy.axis_ratio, galaxy.position_angle)


def _bulge(galaxy: Galaxy) -> Sersic:
    roundness = (1 + galaxy.axis_ratio) / 2
    return Sersic(galaxy.x, galaxy.y, galaxy.bulge_radius, galaxy.bulge_index, roundness, galaxy.position_angle)


def _smooth(galaxy: Galaxy, grid: Grid) -> list[_Part]:
    """Bulge and disc."""
    return [
        _Part(sersic(grid, _disc(galaxy)), 1 - galaxy.bulge_fraction),
        _Part(sersic(grid, _bulge(galaxy)), galaxy.bulge_fraction, _REDDER),
    ]


def _with_compact_centre(galaxy: Galaxy, grid: Grid, parts: list[_Part]) -> list[_Part]:
    """Add a compact bulge or a nuclear starburst: small, but never a point."""
    share = abs(galaxy.compact_fraction)
    if not share:
        return parts
    centre = Sersic(galaxy.x, galaxy.y, 0.11 * galaxy.radius, 1.0, max(galaxy.axis_ratio, 0.5), galaxy.position_angle)
    return [
        *(_Part(part.light, part.share * (1 - share), part.slope) for part in parts),
        _Part(sersic(grid, centre), share, _REDDER if galaxy.compact_fraction > 0 else _BLUER),
    ]


def _smooth_parts(galaxy: Galaxy, grid: Grid, rng: Generator) -> list[_Part]:  # noqa: ARG001 (nothing below the truth)
    return _smooth(galaxy, grid)


def _spiral_parts(galaxy: Galaxy, grid: Grid, rng: Generator) -> list[_Part]:
    disc, bulge = _smooth(galaxy, grid)
    phase, sharpness, sense = rng.uniform(0, 2 * np.pi), rng.uniform(0.8, 1.8), rng.choice([-1, 1])
    strengths, bar_length = rng.uniform(0.65, 1, galaxy.arms), rng.uniform(0.35, 0.6)
    spiral = Spiral(galaxy.arms, sense * galaxy.pitch, phase, bar_length if galaxy.bar_fraction else 0.3, sharpness, strengths)
    in_arms, in_bar = disc.share * galaxy.arm_fraction, galaxy.bar_fraction
    knots = _knots(galaxy, grid, spiral, rng)
    kept = 1 - in_bar
    parts = [
        _Part(disc.light, (disc.share - in_arms) * kept),
        _Part(arms(grid, _disc(galaxy), spiral), 0.88 * in_arms * kept, _BLUE),
        _Part(knots, 0.12 * in_arms * kept, _BLUER),
        _Part(bulge.light, bulge.share * kept, _REDDER),
    ]
    if in_bar:
        parts.append(_Part(_bar(galaxy, grid, phase, bar_length), in_bar, _REDDER))
    return parts


def _knots(galaxy: Galaxy, grid: Grid, spiral: Spiral, rng: Generator) -> Image:
    """Star-forming regions, strung along the arms."""
    number = 24
    radius = rng.uniform(max(spiral.start, 0.5), 2.2, number)
    angle = spiral.phase + np.log(radius / spiral.start) / np.tan(np.radians(spiral.pitch))
    angle += 2 * np.pi * rng.integers(0, spiral.number, number) / spiral.number + rng.normal(0, 0.12, number)
    x, y = _in_plane(galaxy, radius * np.cos(angle), radius * np.sin(angle))
    return blobs(grid, x, y, rng.uniform(0.4, 0.9, number), rng.lognormal(0, 0.7, number) * np.exp(-radius))


def _bar(galaxy: Galaxy, grid: Grid, phase: float, length: float) -> Image:
    """Return a bar: a narrow flat ellipse in the disc's plane, as it is seen, from one end of the arms to the other."""
    along = np.array(_project(galaxy, np.cos(phase), np.sin(phase)))
    across = np.array(_project(galaxy, -0.28 * np.sin(phase), 0.28 * np.cos(phase)))
    directions, axes, _ = np.linalg.svd(np.stack([along, across], axis=1))
    angle = np.degrees(np.arctan2(directions[1, 0], directions[0, 0]))
    shape = Sersic(galaxy.x, galaxy.y, float(0.65 * length * axes[0]), 0.5, float(max(axes[1] / axes[0], 0.15)), float(angle))
    return sersic(grid, shape)


def _project(galaxy: Galaxy, u: NDArray[np.float64] | float, v: NDArray[np.float64] | float) -> tuple[NDArray[np.float64], ...]:
    """Project places in the disc's plane (half-light radii) onto the sky (pixels from the nucleus)."""
    angle = np.radians(galaxy.position_angle)
    u, v = np.multiply(u, galaxy.radius), np.multiply(v, galaxy.radius * galaxy.axis_ratio)
    return u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle)


def _in_plane(galaxy: Galaxy, u: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    x, y = _project(galaxy, u, v)
    return x + galaxy.x, y + galaxy.y


def _clump_parts(galaxy: Galaxy, grid: Grid, rng: Generator) -> list[_Part]:
    parts = _smooth(galaxy, grid)
    radius = 0.25 + 1.5 * np.sqrt(rng.uniform(0, 1, galaxy.clumps)) ** 1.2
    angle = rng.uniform(0, 2 * np.pi, galaxy.clumps)
    x, y = _in_plane(galaxy, radius * np.cos(angle), radius * np.sin(angle))
    clumps = blobs(grid, x, y, rng.uniform(0.05, 0.11, galaxy.clumps) * galaxy.radius, rng.lognormal(0, 0.6, galaxy.clumps))
    rest = 1 - galaxy.clump_fraction
    return [*(_Part(part.light, part.share * rest, part.slope) for part in parts), _Part(clumps, galaxy.clump_fraction, _BLUER)]


def _merger_parts(galaxy: Galaxy, grid: Grid, rng: Generator) -> list[_Part]:
    if galaxy.merger_stage == "shells":
        smooth = _smooth(galaxy, grid)
        debris = _debris_light(galaxy, grid, shells(rng), rng)
        rest = 1 - galaxy.tail_fraction
        return [
            *(_Part(part.light, part.share * rest, part.slope) for part in smooth),
            _Part((debris[0] + debris[1]) / 2, galaxy.tail_fraction),
        ]
    met = encounter(rng, galaxy.mass_ratio, galaxy.separation, galaxy.merger_stage == "late")
    near, far = _debris_light(galaxy, grid, met, rng)
    place = _seen(galaxy, met.second[:, None])
    small = 1 / galaxy.mass_ratio
    second = Sersic(
        float(place[0, 0]), float(place[1, 0]), galaxy.bulge_radius * small**0.5, galaxy.bulge_index, 0.85, galaxy.position_angle
    )
    bulges, discs = galaxy.bulge_fraction, (1 - galaxy.bulge_fraction)
    rest = 1 - galaxy.tail_fraction
    return [
        _Part(near, discs * rest),
        _Part(far, galaxy.tail_fraction, 0.5 * _BLUE),
        _Part(sersic(grid, _bulge(galaxy)), bulges * rest / (1 + small), _REDDER),
        _Part(sersic(grid, second), bulges * rest * small / (1 + small), _REDDER),
    ]


def _seen(galaxy: Galaxy, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Project places in space onto the sky as the disc's inclination and position angle have it; shape (2, n), pixels."""
    sine = np.sqrt(1 - galaxy.cos_inclination**2)
    u, v = places[0] * galaxy.radius, (places[1] * galaxy.cos_inclination + places[2] * sine) * galaxy.radius
    angle = np.radians(galaxy.position_angle)
    return np.stack([galaxy.x + u * np.cos(angle) - v * np.sin(angle), galaxy.y + u * np.sin(angle) + v * np.cos(angle)])


def _debris_light(galaxy: Galaxy, grid: Grid, debris: Debris, rng: Generator) -> tuple[Image, Image]:
    """Return the light of the stars near either centre and that of those thrown out, each with a total of one."""
    x, y = _seen(galaxy, debris.stars)
    from_first = np.linalg.norm(debris.stars, axis=0)
    from_second = np.linalg.norm(debris.stars - debris.second[:, None], axis=0)
    near = np.minimum(from_first, from_second) < 1.5
    images = []
    for kept, width in zip((near, ~near), _SMOOTHING, strict=True):
        scattered = rng.normal(0, width * galaxy.radius, (2, int(kept.sum())))
        light = particles(grid, x[kept] + scattered[0], y[kept] + scattered[1], debris.weights[kept])
        images.append(light / max(float(debris.weights[kept].sum()), 1e-12))
    return images[0], images[1]


def _add_neighbours(scene: Scene, galaxy: Galaxy, wavelengths: NDArray[np.float64], grid: Grid, rng: Generator) -> None:
    """Strew projected galaxies and stars over the field, and put the bright companion beside the galaxy if there is one."""
    for _ in range(galaxy.neighbours):
        distance, angle, magnitude = 64 * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi), 21 + 4.5 * np.sqrt(rng.uniform())
        _add_neighbour(scene, (galaxy.x + distance * np.cos(angle), galaxy.y + distance * np.sin(angle), magnitude), wavelengths, grid, rng)
    if galaxy.companion_distance:
        angle, magnitude = rng.uniform(0, 2 * np.pi), galaxy.magnitude + galaxy.companion_faintness
        x, y = (galaxy.companion_distance * np.array([np.cos(angle), np.sin(angle)])).tolist()
        _add_neighbour(scene, (galaxy.x + x, galaxy.y + y, magnitude), wavelengths, grid, rng)


def _add_neighbour(scene: Scene, place: tuple[float, float, float], wavelengths: NDArray[np.float64], grid: Grid, rng: Generator) -> None:
    x, y, magnitude = place
    kind, rung, dust, redshift, temperature = rng.uniform(size=5)
    radius = 2 + 6 * rng.uniform() ** 2 * 10 ** (-0.15 * (magnitude - 21))
    shape = Sersic(x, y, radius, float(rng.choice([1.0, 1.0, 2.0, 3.0])), rng.uniform(0.3, 1), rng.uniform(0, 180))
    if kind < 0.2:
        colours = star_colours(3500 + 3500 * temperature, wavelengths, _PIVOT[REFERENCE])
        if max(abs(x), abs(y)) < grid.half:
            scene.points.append(Point(x, y, flux(magnitude) * colours))
        return
    spectrum = Spectrum(0.4 * rung if kind < 0.5 else 1 + 2 * rung, 0.2 * dust if kind < 0.5 else 0.8 * dust)
    colours = flux(magnitude) * spectrum.colours(wavelengths, 0.2 + redshift, _PIVOT[REFERENCE])
    light = sersic(grid, shape, reach=8 * radius)
    if light.any():
        scene.light.__iadd__(colours[:, None, None].astype(np.float32) * light)


_PARTS: Final[dict[str, Callable[[Galaxy, Grid, Generator], list[_Part]]]] = {
    "spiral": _spiral_parts,
    "merger": _merger_parts,
    "clump": _clump_parts,
    "agn": _smooth_parts,
    "q_sf": _smooth_parts,
}
