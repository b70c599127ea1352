"""Detectability of the features that define a class: arm contrast, signal-to-noise ratios.

Signal-to-noise ratios are those of a matched filter, which knows the true shape: an upper limit.
Where they are low, no method can identify the class.
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

_PLACES = 72  # samples along the ellipse where the arm contrast is measured


@dataclass(frozen=True)
class Visibility:
    """Visibility of a galaxy's features in the reference band, whether or not it was rendered.

    Parameters
    ----------
    sn : float
        Signal-to-noise of all of the galaxy's light.
    arm_contrast : float
        Mean of the brightest quarter over that of the darkest along the ellipse of the disk's
        half-light radius, with the image's PSF. 1 is no contrast; 0 where there are no arms.
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
    """Return the visibility of a galaxy's features, without neighbors and dust lane.

    Parameters
    ----------
    galaxy : GalaxyTruth
    scene : Scene
        The galaxy's scene.
    size : int
        Pixels along a side of the image.
    depth : {"deep", "wide", "shallow"}
    """
    camera = scene.camera
    width = camera.bands[camera.reference].fwhm * galaxy.psf_scale
    total = flux(galaxy.magnitude)
    nucleus = PointSource(galaxy.x, galaxy.y, np.array([total * galaxy.nucleus_fraction]))
    class_components, others = (
        _light(scene, total * (1 - galaxy.nucleus_fraction), own) for own in (True, False)
    )
    class_light = (
        observe(class_components, [], size, width)
        if galaxy.label in ("spiral", "clump", "merger")
        else np.zeros((size, size))
    )
    points = [(nucleus, float(nucleus.fluxes[0]))] if galaxy.nucleus_fraction else []
    whole = class_light + observe(others, points, size, width)
    level = noise_level(camera.reference, depth)
    variance = (np.maximum(whole, 0) * level.gain + level.sky + level.read**2) / level.gain**2
    signal_to_noise = float(np.sqrt((class_light**2 / variance).sum()))
    return Visibility(
        sn=float(np.sqrt((whole**2 / variance).sum())),
        arm_contrast=_contrast(whole, galaxy) if galaxy.arms else 0.0,
        clump_sn=signal_to_noise / galaxy.clumps**0.5 if galaxy.clumps else 0.0,
        tail_sn=signal_to_noise if galaxy.merger_stage else 0.0,
    )


def _light(scene: Scene, total: float, defines_class: bool) -> NDArray[np.float32]:
    light = np.zeros((scene.grid.side, scene.grid.side), dtype=np.float32)
    for part in scene.components:
        if part.defines_class is defines_class:
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
