"""The same simulated galaxies, photographed again in another way.

What an audit shows to the extractors.

Nothing is done to noisy pixels but what leaves each of them whole. Where the sky itself moves, its
light is moved before the telescope sees it, on pixels half as wide as the survey's, and then
blurred, counted and read out like the first time, with noise of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from galfeat.data import Cutout, Preparation, SimulatedSurvey, prepare_one
from galfeat.data.simulation.instrument import BANDS, noise_level
from galfeat.data.simulation.render import expose, fine_grid, observe
from galfeat.data.simulation.scene import PointSource, Scene, draw_scene
from galfeat.data.simulation.truth import GalaxyTruth, stream

__all__ = ["AMOUNTS", "NEW_EXPOSURES", "PIXEL_CHANGES", "moved", "photographs"]

Images = NDArray[np.float32]
Progress = Callable[[int, int], None]

ZOOM: Final = 1.15
AMOUNTS: Final = {
    "sky": "+1 noise sigma",
    "flux": "x 2",
    "rotation90": "90 degrees",
    "flip": "left to right",
    "shift": "1 pixel",
    "rotation": "any angle",
    "scale": f"x {ZOOM:g}",
    "noise": "new exposure",
}
"""How much of each change an audit applies, for people."""

PIXEL_CHANGES: Final[Mapping[str, Callable[[Images], Images]]] = {
    "sky": lambda images: images + np.float32(1),
    "flux": lambda images: images * np.float32(2),
    "rotation90": lambda images: np.ascontiguousarray(np.rot90(images, axes=(2, 3))),
    "flip": lambda images: np.ascontiguousarray(images[..., ::-1]),
}
"""The changes that are made to the very values that an extractor sees.

Images of shape (n, bands, size, size).
"""

NEW_EXPOSURES: Final = ("rotation", "scale")
"""The changes that come with other noise."""

_EXPOSURES: Final = {
    "reference": 100,
    "noise": 120,
    "rotation": 140,
    "scale": 160,
    "rotation again": 180,
    "scale again": 200,
}
# random streams, a band apart, that no survey uses
_ANGLE: Final = 99  # the stream of the angles
_SHIFT: Final = 1  # pixels
# pixels from the edge of the grid: a point nearer to it would come in again on the other side
_EDGE: Final = 8.0
# of the splines that move light: what they get wrong is finer than the point spread function lets
# through
_ORDER: Final = 5


def photographs(survey: SimulatedSurvey, progress: Progress | None = None) -> dict[str, Images]:
    """Return the prepared galaxies of a survey, once as they are and once after each change, row by
    row the same galaxy.

    Parameters
    ----------
    survey : SimulatedSurvey
        Galaxies, size, bands, depth and seed. The noise is not that of the survey's own images.
    progress : callable, optional
        Called with how many galaxies are through, and how many there are.

    Returns
    -------
    dict of str to array of float32, shape (n, bands, size, size)
        ``reference``, each change of `AMOUNTS`, and for each of `NEW_EXPOSURES` another exposure
        after the same change, ``rotation again``.
    """
    pictures: dict[str, list[Images]] = {}
    for done, galaxy in enumerate(survey.galaxies, start=1):
        for name, picture in _pictures(galaxy, survey).items():
            pictures.setdefault(name, []).append(picture)
        if progress:
            progress(done, len(survey))
    stacks = {name: np.stack(each) for name, each in pictures.items()}
    changed = {name: change(stacks["reference"]) for name, change in PIXEL_CHANGES.items()}
    return stacks | changed


def moved(scene: Scene, angle: float = 0.0, zoom: float = 1.0) -> Scene:
    """Return the sky turned and enlarged about the centre of the image; surface brightness stays.

    Parameters
    ----------
    scene : Scene
    angle : float
        Degrees from the x axis towards y.
    zoom : float
        Factor of all lengths.
    """
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # from a new place (y, x) to where its light came from
    back = np.array([[cosine, -sine], [sine, cosine]]) / zoom
    centre = np.full(2, (scene.grid.side - 1) / 2)
    light = [
        affine_transform(image, back, centre - back @ centre, order=_ORDER, mode="grid-constant")
        for image in scene.light
    ]
    points = [
        PointSource(
            zoom * (point.x * cosine - point.y * sine),
            zoom * (point.x * sine + point.y * cosine),
            point.fluxes * zoom**2,
        )
        for point in scene.points
    ]
    within = scene.grid.half - _EDGE
    kept = [point for point in points if max(abs(point.x), abs(point.y)) < within]
    return Scene(scene.grid, scene.wavelengths, np.stack(light).astype(np.float32), kept)


@dataclass(frozen=True)
class _Telescope:
    """One galaxy's camera and random numbers."""

    galaxy: GalaxyTruth
    survey: SimulatedSurvey

    def expose(self, scene: Scene, purpose: int, size: int) -> NDArray[np.float32]:
        """Return an exposure of `size` pixels, shape (bands, size, size)."""
        image = np.empty((len(self.survey.bands), size, size), dtype=np.float32)
        for number, band in enumerate(self.survey.bands):
            fluxes = [(point, float(point.fluxes[number])) for point in scene.points]
            light = observe(
                scene.light[number], fluxes, size, BANDS[band].fwhm * self.galaxy.psf_scale
            )
            chance = stream(
                self.survey.seed, self.galaxy.number, purpose + tuple(BANDS).index(band)
            )
            image[number] = expose(light, noise_level(band, self.survey.depth), chance)
        return image


def _pictures(galaxy: GalaxyTruth, survey: SimulatedSurvey) -> dict[str, Images]:
    size, wide = survey.size, survey.size + 2 * _SHIFT
    scene = draw_scene(galaxy, survey.bands, fine_grid(wide), survey.seed)
    angle = float(stream(survey.seed, galaxy.number, _ANGLE).uniform(0, 360))
    telescope = _Telescope(galaxy, survey)
    first = telescope.expose(scene, _EXPOSURES["reference"], wide)
    inside = slice(_SHIFT, _SHIFT + size)
    raw = {
        "reference": first[:, inside, inside],
        # the same photons, the galaxy a pixel further to the right
        "shift": first[:, inside, :size],
        "noise": telescope.expose(scene, _EXPOSURES["noise"], size),
    }
    for name, elsewhere in {
        "rotation": moved(scene, angle=angle),
        "scale": moved(scene, zoom=ZOOM),
    }.items():
        for each in (name, f"{name} again"):
            raw[each] = telescope.expose(elsewhere, _EXPOSURES[each], size)
    preparation = Preparation(size=size, fit="crop")
    return {
        name: prepare_one(Cutout(galaxy.id, np.ascontiguousarray(each), survey.bands), preparation)
        for name, each in raw.items()
    }
