"""Images of an invariance audit: simulated galaxies before and after each change.

Noisy pixels are never interpolated. Rotations by any angle and zooms are applied to the noiseless
scene, on pixels half as wide as those of the survey, and then exposed with new noise; so are
changes of the camera.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from galfeat.data import Cutout, Preparation, SimulatedSurvey, prepare_one
from galfeat.data.simulation.correlated_noise import covariance
from galfeat.data.simulation.instrument import BANDS, NoiseLevel, noise_level
from galfeat.data.simulation.render import expose, fine_grid, observe
from galfeat.data.simulation.scene import PointSource, Scene, draw_scene
from galfeat.data.simulation.truth import GalaxyTruth, stream

__all__ = ["AMOUNTS", "NEW_EXPOSURES", "PIXEL_CHANGES", "changed_images", "transform_scene"]

Images = NDArray[np.float32]
Progress = Callable[[int, int], None]

ZOOM: Final = 1.15
_SEEING: Final = 1.5  # factor of the width of the point spread function
_COARSE: Final = 1.5  # factor of the width of pixels
AMOUNTS: Final = {
    "sky": "+1 noise sigma",
    "flux": "x 2",
    "rotation90": "90 degrees",
    "flip": "left to right",
    "shift": "1 pixel",
    "rotation": "any angle",
    "scale": f"x {ZOOM:g}",
    "noise": "new exposure",
    "correlation": "none",
    "seeing": f"x {_SEEING:g}",
    "pixel_scale": f"x {_COARSE:g}",
}
"""Amount of each change, as text."""

PIXEL_CHANGES: Final[Mapping[str, Callable[[Images], Images]]] = {
    "sky": lambda images: images + np.float32(1),
    "flux": lambda images: images * np.float32(2),
    "rotation90": lambda images: np.ascontiguousarray(np.rot90(images, axes=(2, 3))),
    "flip": lambda images: np.ascontiguousarray(images[..., ::-1]),
}
"""Changes of the prepared pixel values; images have the shape (n, bands, size, size)."""

NEW_EXPOSURES: Final = ("rotation", "scale", "correlation", "seeing", "pixel_scale")
"""Changes that need a new exposure, with other noise."""

_EXPOSURES: Final = {
    "reference": 100,
    "noise": 120,
    "rotation": 140,
    "scale": 160,
    "rotation again": 180,
    "scale again": 200,
    "correlation": 220,
    "seeing": 240,
    "pixel_scale": 260,
    "correlation again": 280,
    "seeing again": 300,
    "pixel_scale again": 320,
}
# random streams that no survey uses; the number of the band is added
_ANGLE: Final = 99  # random stream of the angles
_SHIFT: Final = 1  # pixels
# pixels from the edge of the grid, within which point sources would wrap around
_EDGE: Final = 8.0
# of the interpolating splines: their errors are below the resolution of the point spread function
_ORDER: Final = 5


def changed_images(survey: SimulatedSurvey, progress: Progress | None = None) -> dict[str, Images]:
    """Return the prepared galaxies of a survey before and after each change.

    Parameters
    ----------
    survey : SimulatedSurvey
        Galaxies, size, bands, depth, seed and kind of noise. The noise differs from that of the
        survey's images; where it is white, ``correlation`` is one more exposure.
    progress : callable, optional
        Called with the number of finished galaxies and their total.

    Returns
    -------
    dict of str to array of float32, shape (n, bands, size, size)
        Row by row the same galaxy. The keys are ``reference``, each change of `AMOUNTS`, and for
        each of `NEW_EXPOSURES` a second exposure after the same change, as ``rotation again``.
    """
    images: dict[str, list[Images]] = {}
    for done, galaxy in enumerate(survey.galaxies, start=1):
        for name, image in _exposures_of(galaxy, survey).items():
            images.setdefault(name, []).append(image)
        if progress:
            progress(done, len(survey))
    stacks = {name: np.stack(each) for name, each in images.items()}
    changed = {name: change(stacks["reference"]) for name, change in PIXEL_CHANGES.items()}
    return stacks | changed


def transform_scene(scene: Scene, angle: float = 0.0, zoom: float = 1.0) -> Scene:
    """Return a scene rotated and enlarged about its center, at constant surface brightness.

    Parameters
    ----------
    scene : Scene
    angle : float
        Degrees from the x axis toward y.
    zoom : float
        Factor of all lengths.
    """
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    # maps new to old positions (y, x)
    matrix = np.array([[cosine, -sine], [sine, cosine]]) / zoom
    center = np.full(2, (scene.grid.side - 1) / 2)
    light = [
        affine_transform(
            image, matrix, center - matrix @ center, order=_ORDER, mode="grid-constant"
        )
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
class _Camera:
    """How a camera differs from the survey's.

    Parameters
    ----------
    independent : bool
        Whether noise of the same size in a pixel is independent of its neighbors'.
    seeing : float
        Factor of the width of the point spread function.
    pixel : float
        Factor of the width of pixels, which collect as much more light, sky and read-out noise.
    """

    independent: bool = False
    seeing: float = 1.0
    pixel: float = 1.0


_CAMERAS: Final = {
    "correlation": _Camera(independent=True),
    "seeing": _Camera(seeing=_SEEING),
    "pixel_scale": _Camera(pixel=_COARSE),
}


@dataclass(frozen=True)
class _GalaxyExposures:
    """Exposures of one galaxy of a survey, each with its own random stream."""

    galaxy: GalaxyTruth
    survey: SimulatedSurvey

    def expose(
        self, scene: Scene, purpose: int, size: int, camera: _Camera | None = None
    ) -> NDArray[np.float32]:
        """Return an exposure of `size` pixels, shape (bands, size, size)."""
        camera = camera or _Camera()
        image = np.empty((len(self.survey.bands), size, size), dtype=np.float32)
        for number, band in enumerate(self.survey.bands):
            own, area = BANDS[band], camera.pixel**2
            fluxes = [(point, area * float(point.fluxes[number])) for point in scene.points]
            fwhm = own.fwhm * self.galaxy.psf_scale * camera.seeing / camera.pixel
            light = observe(np.float32(area) * scene.light[number], fluxes, size, fwhm)
            level = noise_level(band, self.survey.depth)
            level = NoiseLevel(level.gain, area * level.sky, camera.pixel * level.read)
            drop: float | None = None
            if self.survey.noise == "correlated":
                drop = own.drop / camera.pixel
                if camera.independent:
                    level, drop = _divided(level, covariance(0, drop)), None
            rng = stream(self.survey.seed, self.galaxy.number, purpose + tuple(BANDS).index(band))
            image[number] = expose(light, level, rng, drop)
        return image


def _divided(level: NoiseLevel, factor: float) -> NoiseLevel:
    """Return the level at which the noise of independent pixels is multiplied by a factor."""
    gain = 1 / factor**2  # more electrons of the same light
    return NoiseLevel(gain * level.gain, gain * level.sky, level.read / factor)


def _exposures_of(galaxy: GalaxyTruth, survey: SimulatedSurvey) -> dict[str, Images]:
    size, wide = survey.size, survey.size + 2 * _SHIFT
    scene = draw_scene(galaxy, survey.bands, fine_grid(wide), survey.seed)
    # as much of the sky as larger pixels show
    whole = draw_scene(galaxy, survey.bands, fine_grid(ceil(_COARSE * size)), survey.seed)
    angle = float(stream(survey.seed, galaxy.number, _ANGLE).uniform(0, 360))
    exposures = _GalaxyExposures(galaxy, survey)
    first = exposures.expose(scene, _EXPOSURES["reference"], wide)
    inside = slice(_SHIFT, _SHIFT + size)
    raw = {
        "reference": first[:, inside, inside],
        # the same exposure, with the galaxy one pixel further to the right
        "shift": first[:, inside, :size],
        "noise": exposures.expose(scene, _EXPOSURES["noise"], size),
    }
    for name, changed in {
        "rotation": transform_scene(scene, angle=angle),
        "scale": transform_scene(scene, zoom=ZOOM),
        "correlation": scene,
        "seeing": scene,
        "pixel_scale": transform_scene(whole, zoom=1 / _COARSE),
    }.items():
        for each in (name, f"{name} again"):
            raw[each] = exposures.expose(changed, _EXPOSURES[each], size, _CAMERAS.get(name))
    preparation = Preparation(size=size, fit="crop")
    return {
        name: prepare_one(Cutout(galaxy.id, np.ascontiguousarray(each), survey.bands), preparation)
        for name, each in raw.items()
    }
