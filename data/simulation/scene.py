"""Scenes: the light of a galaxy and its field in every band.

The components of a galaxy share its integrated spectrum: a bulge is redder and arms, clumps and
starbursts are bluer than the whole, balanced so that the whole keeps its color. Otherwise color
alone would identify the classes with blue components. An active nucleus adds its own color.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from galfeat.data.simulation.components import LightComponent, draw_components
from galfeat.data.simulation.instrument import HST, Camera, camera_of, flux
from galfeat.data.simulation.profiles import FineGrid, Sersic, sersic_patch
from galfeat.data.simulation.spectra import Spectrum, star_colors
from galfeat.data.simulation.truth import CROWDING, FIELD, GalaxyTruth, draw_magnitude, stream

__all__ = ["PointSource", "Scene", "draw_scene"]

Floats = NDArray[np.float64]

_NUCLEUS_SLOPE: Final = 0.44  # flux goes as frequency^-0.44
_STAR_FRACTION: Final = 0.2  # of the neighbors


@dataclass(frozen=True)
class PointSource:
    """A point source: position, pixels from the center of the image, and flux in every band."""

    x: float
    y: float
    fluxes: Floats


@dataclass(frozen=True)
class Scene:
    """Light of a field before it is observed.

    Parameters
    ----------
    grid : FineGrid
    wavelengths : array, shape (bands,)
        Pivot wavelengths, Angstrom.
    light : array of float32, shape (bands, side, side)
        Extended light, microjansky a fine pixel.
    points : list of PointSource
    camera : Camera
    components : list of LightComponent
        Components of the galaxy itself, before any dust lane.
    """

    grid: FineGrid
    wavelengths: Floats
    light: NDArray[np.float32]
    points: list[PointSource] = field(default_factory=list)
    camera: Camera = HST
    components: list[LightComponent] = field(default_factory=list)

    @property
    def reference(self) -> float:
        """Pivot wavelength of the reference band, Angstrom."""
        return self.camera.bands[self.camera.reference].pivot


def draw_scene(galaxy: GalaxyTruth, bands: Sequence[str], grid: FineGrid, seed: int) -> Scene:
    """Return a galaxy and its surroundings.

    Parameters
    ----------
    galaxy : GalaxyTruth
        True parameters; details that they do not fix (positions of clumps, the encounter,
        neighbors) come from the galaxy's own random numbers.
    bands : sequence of str
    grid : FineGrid
    seed : int
        Seed of the survey.
    """
    camera = camera_of(bands)
    wavelengths = np.array([camera.bands[band].pivot for band in bands])
    parts = draw_components(galaxy, grid, stream(seed, galaxy.number, 1))
    scene = Scene(
        grid,
        wavelengths,
        np.zeros((len(bands), grid.side, grid.side), dtype=np.float32),
        [],
        camera,
        parts,
    )
    total = flux(galaxy.magnitude)
    whole = (
        total
        * (1 - galaxy.nucleus_fraction)
        * galaxy.spectrum.relative_fluxes(wavelengths, galaxy.redshift, scene.reference)
    )
    _add_components(scene, whole, contrast=1.0 if galaxy.state == "star_forming" else 0.3)
    if galaxy.dust_lane:
        _apply_dust_lane(scene, galaxy)
    if galaxy.nucleus_fraction:
        power_law = (wavelengths / scene.reference) ** _NUCLEUS_SLOPE
        scene.points.append(
            PointSource(galaxy.x, galaxy.y, total * galaxy.nucleus_fraction * power_law)
        )
    _add_neighbors(scene, galaxy, stream(seed, galaxy.number, 2))
    if grid.half > FIELD:
        _fill_field(scene, galaxy, stream(seed, galaxy.number, 4))
    return scene


def _add_components(scene: Scene, whole: Floats, contrast: float) -> None:
    """Add the galaxy's components, with color contrast between them and the whole's total flux."""
    slopes, shares = (
        np.array([getattr(part, name) for part in scene.components]) for name in ("slope", "share")
    )
    tilted = shares[:, None] * (scene.wavelengths / scene.reference) ** (contrast * slopes[:, None])
    fluxes = (tilted / tilted.sum(axis=0) * whole).astype(np.float32)
    for part, values in zip(scene.components, fluxes, strict=True):
        for image, value in zip(scene.light, values, strict=True):
            image += part.light * value


def _apply_dust_lane(scene: Scene, galaxy: GalaxyTruth) -> None:
    """Apply a dust lane along the major axis of an edge-on disk.

    The remaining light is scaled to the same total.
    """
    angle, axis = np.radians(galaxy.position_angle), scene.grid.axis
    x, y = (axis - galaxy.x)[None, :], (axis - galaxy.y)[:, None]
    along, across = (
        (x * np.cos(angle) + y * np.sin(angle)) / galaxy.radius,
        (y * np.cos(angle) - x * np.sin(angle)) / galaxy.radius,
    )
    # slightly in front of the nucleus: no disk is exactly edge-on
    lane = np.exp(-0.5 * ((across - 0.08) / 0.1) ** 2 - 0.5 * (along / 1.2) ** 2)
    for image, wavelength in zip(scene.light, scene.wavelengths, strict=True):
        before = image.sum()
        image *= np.exp(-galaxy.dust_lane * (scene.reference / wavelength) * lane).astype(
            np.float32
        )
        image *= before / image.sum()


def _add_neighbors(scene: Scene, galaxy: GalaxyTruth, rng: Generator) -> None:
    """Add projected galaxies and stars, and the bright companion if there is one."""
    for _ in range(galaxy.neighbors):
        distance, magnitude = (
            FIELD * np.sqrt(rng.uniform()),
            draw_magnitude(rng, *scene.camera.neighbor_magnitudes),
        )
        _add_neighbor(scene, _random_position(galaxy, distance, rng), magnitude, rng)
    if galaxy.companion_distance:
        place = _random_position(galaxy, galaxy.companion_distance, rng)
        _add_neighbor(scene, place, galaxy.magnitude + galaxy.companion_faintness, rng)


def _fill_field(scene: Scene, galaxy: GalaxyTruth, rng: Generator) -> None:
    """Add as many projected galaxies and stars per area beyond the field that the truth counts."""
    half = scene.grid.half
    for x, y in rng.uniform(-half, half, (rng.poisson(CROWDING * 4 * half**2), 2)):
        if np.hypot(x - galaxy.x, y - galaxy.y) > FIELD:
            _add_neighbor(
                scene, (x, y), draw_magnitude(rng, *scene.camera.neighbor_magnitudes), rng
            )


def _random_position(galaxy: GalaxyTruth, distance: float, rng: Generator) -> tuple[float, float]:
    azimuth = rng.uniform(0, 2 * np.pi)
    return galaxy.x + distance * np.cos(azimuth), galaxy.y + distance * np.sin(azimuth)


def _add_neighbor(
    scene: Scene, place: tuple[float, float], magnitude: float, rng: Generator
) -> None:
    x, y = place
    kind, rung, dust, redshift, heat, width = rng.uniform(size=6)
    index, axis_ratio, angle = (
        float(rng.choice([1.0, 1.0, 2.0, 3.0])),
        rng.uniform(0.3, 1),
        rng.uniform(0, 180),
    )
    if kind < _STAR_FRACTION:
        g_i = 0.4 + 2.45 * heat**0.6  # most faint stars are red dwarfs
        # away from the edge, where the periodic PSF would wrap a point around
        if max(abs(x), abs(y)) < scene.grid.half - 8:
            scene.points.append(
                PointSource(
                    x, y, flux(magnitude) * star_colors(g_i, scene.wavelengths, scene.reference)
                )
            )
        return
    spectrum = (
        Spectrum(0.4 * rung, 0.2 * dust) if kind < 0.5 else Spectrum(1 + 2 * rung, 0.8 * dust)
    )
    fluxes = flux(magnitude) * spectrum.relative_fluxes(
        scene.wavelengths, scene.camera.redshifts[0] + redshift, scene.reference
    )
    radius = 1.5 + 5 * width * 10 ** (-0.12 * (magnitude - scene.camera.neighbor_magnitudes[0]))
    rows, columns, light = sersic_patch(
        scene.grid, Sersic(x, y, radius, index, axis_ratio, angle), reach=(4 + 2 * index) * radius
    )
    for image, value in zip(scene.light, fluxes, strict=True):
        image[rows, columns] += light * np.float32(value)
