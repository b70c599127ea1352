"""How well what makes a galaxy's class can be seen.

Contrast of arms, signal-to-noise of clumps, tails, and the whole.

These are what a perfect observer would reach who knows the true shape (a matched filter): nobody
does better, and where they are low no method can tell the class.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from galfeat.data.simulation.instrument import flux, noise_level
from galfeat.data.simulation.render import observe
from galfeat.data.simulation.scene import PointSource, Scene
from galfeat.data.simulation.truth import GalaxyTruth

__all__ = ["Visibility", "visibility"]

Floats = NDArray[np.float64]

_PLACES = 72  # along the ellipse where the contrast of arms is measured


@dataclass(frozen=True)
class Visibility:
    """What can be seen of a galaxy in the reference band, whether or not that band was asked for.

    Parameters
    ----------
    sn : float
        Signal-to-noise of all of the galaxy's light.
    arm_contrast : float
        Along the ellipse of the disc's half-light radius, blurred as in the image: the brightest
        quarter of it over the darkest. 1 is no contrast; 0 where there are no arms.
    clump_sn : float
        Signal-to-noise of a typical clump: of all of them together over the root of their number. 0
        where there are none.
    tail_sn : float
        Signal-to-noise of tails, bridges, plumes and shells together. 0 where there are none.
    """

    sn: float
    arm_contrast: float
    clump_sn: float
    tail_sn: float


def visibility(galaxy: GalaxyTruth, scene: Scene, size: int, depth: str) -> Visibility:
    """Return what can be seen of a galaxy within the image, neighbours and dust lane aside.

    Parameters
    ----------
    galaxy : GalaxyTruth
    scene : Scene
        As drawn for it.
    size : int
        Pixels along a side of the image.
    depth : {"deep", "wide", "shallow"}
    """
    camera = scene.camera
    width = camera.bands[camera.reference].fwhm * galaxy.psf_scale
    total = flux(galaxy.magnitude)
    nucleus = PointSource(galaxy.x, galaxy.y, np.array([total * galaxy.nucleus_fraction]))
    marking, others = (
        _light(scene, total * (1 - galaxy.nucleus_fraction), marks) for marks in (True, False)
    )
    marks = (
        observe(marking, [], size, width)
        if galaxy.label in ("spiral", "clump", "merger")
        else np.zeros((size, size))
    )
    points = [(nucleus, float(nucleus.fluxes[0]))] if galaxy.nucleus_fraction else []
    whole = marks + observe(others, points, size, width)
    level = noise_level(camera.reference, depth)
    variance = (np.maximum(whole, 0) * level.gain + level.sky + level.read**2) / level.gain**2
    reached = float(np.sqrt((marks**2 / variance).sum()))
    return Visibility(
        sn=float(np.sqrt((whole**2 / variance).sum())),
        arm_contrast=_contrast(whole, galaxy) if galaxy.arms else 0.0,
        clump_sn=reached / galaxy.clumps**0.5 if galaxy.clumps else 0.0,
        tail_sn=reached if galaxy.merger_stage else 0.0,
    )


def _light(scene: Scene, total: float, marks: bool) -> NDArray[np.float32]:
    light = np.zeros((scene.grid.side, scene.grid.side), dtype=np.float32)
    for part in scene.parts:
        if part.marks is marks:
            light += part.light * np.float32(part.share * total)
    return light


def _contrast(image: Floats, galaxy: GalaxyTruth) -> float:
    """Return the mean of the brightest quarter of an ellipse over that of its darkest."""
    around, angle, middle = (
        np.arange(_PLACES) * (2 * np.pi / _PLACES),
        np.radians(galaxy.position_angle),
        (image.shape[0] - 1) / 2,
    )
    along, across = (
        galaxy.radius * np.cos(around),
        galaxy.radius * galaxy.axis_ratio * np.sin(around),
    )
    x = middle + galaxy.x + along * np.cos(angle) - across * np.sin(angle)
    y = middle + galaxy.y + along * np.sin(angle) + across * np.cos(angle)
    values = np.sort(map_coordinates(image, [y, x], order=1, mode="nearest"))
    quarter = _PLACES // 4
    return float(
        values[-quarter:].mean() / max(values[:quarter].mean(), 1e-3 * values[-quarter:].mean())
    )
