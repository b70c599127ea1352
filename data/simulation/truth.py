"""True parameters of the simulated galaxies, drawn from one random stream a galaxy.

Everything that could reveal the class without defining it (magnitude, redshift, size, orientation,
bulge, offset, neighbors, companion, compact center) is drawn first, in the same order and from the
same distributions for every class; the parameters that define the class are drawn afterwards. Half
of the mergers, AGN and smooth galaxies are quiescent; spirals and clumpy disks form stars.
Star-forming galaxies of all classes draw their integrated colors from one distribution, so color
alone identifies no class. `populations` has the realistic alternative, with the observed
correlations.

References
----------
Sizes: van der Wel et al. 2014, ApJ 788, 28. Bulges and bars: Weinzirl et al. 2009, ApJ 696, 411.
Clumps: Elmegreen et al. 2005, ApJ 631, 85; Guo et al. 2015, ApJ 800, 39; Soto et al. 2017, ApJ 837,
6. Depth and redshifts: Rix et al. 2004, ApJS 152, 163.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from galfeat.data.simulation.instrument import HST, Camera
from galfeat.data.simulation.populations import (
    add_observed_correlations,
    median_radius,
    observed_spectrum,
)
from galfeat.data.simulation.spectra import Spectrum

__all__ = [
    "CLASSES",
    "CROWDING",
    "FIELD",
    "KINDS",
    "NUISANCES",
    "STATES",
    "GalaxyTruth",
    "assign_kinds",
    "consistent_state",
    "draw_galaxies",
    "draw_galaxy",
    "draw_magnitude",
    "galaxy_id",
    "stream",
    "truth_table",
]

CLASSES: Final = ("spiral", "merger", "clump", "agn", "q_sf")
STATES: Final = ("quiescent", "star_forming")
KINDS: Final = tuple((label, state) for state in STATES for label in CLASSES)

#: columns of the truth that are independent of the class
NUISANCES: Final = (
    "magnitude", "redshift", "radius", "cos_inclination", "position_angle", "bulge_fraction",
    "bulge_radius", "bulge_index", "x", "y",
    "neighbors", "companion_distance", "companion_faintness", "compact_fraction", "dust_lane",
    "psf_scale",
)  # fmt: skip

_COUNT_SLOPE = 0.3  # of log number counts with magnitude
FIELD: Final = 64.0  # pixels: radius of the disk over which neighbors are distributed
CROWDING: Final = 0.9 / 64**2  # neighbors a pixel
_REALISTIC_STREAM = 3  # random stream of the realistic population


@dataclass(frozen=True)
class GalaxyTruth:
    """True parameters of one simulated galaxy.

    Lengths are in pixels, fractions of the light in the camera's reference band.

    Parameters
    ----------
    number : int
        Index in the survey; with the survey's seed it determines everything else.
    id, label, state : str
        Name, class, and whether it forms stars.
    magnitude : float
        Total AB magnitude in the reference band (F814W, or i on the ground), without neighbors.
    redshift : float
    radius : float
        Half-light radius of the disk along its major axis.
    cos_inclination, position_angle : float
        1 is face-on; degrees from the x axis toward y.
    bulge_fraction, bulge_radius, bulge_index : float
        Fraction of the smooth light, half-light radius and Sersic index of the bulge.
    x, y : float
        Position of the nucleus, from the center of the image.
    neighbors : int
        Number of projected galaxies and stars within 64 pixels.
    companion_distance, companion_faintness : float
        A bright projected galaxy: distance from the nucleus (0: there is none) and magnitudes
        fainter than this one.
    compact_fraction : float
        Fraction of the light in a compact bulge (positive) or a nuclear starburst (negative sign);
        0 in most galaxies.
    dust_lane : float
        Optical depth in the reference band of a lane along an edge-on disk; 0 in all others.
    psf_scale : float
        Width of the point spread function, relative to the nominal one.
    rung, dust, u_v, v_j : float
        Spectrum of the galaxy (without a nucleus; see `Spectrum`) and its rest-frame colors.
    arms : int
        Number of spiral arms; 0 where there are none. `pitch` in degrees, `arm_fraction` of the
        disk's light, `bar_fraction` of all.
    clumps : int
        Number of clumps; `clump_fraction` of the light.
    nucleus_fraction : float
        Fraction of the light in the active nucleus.
    merger_stage : str
        "pair", "late" or "shells"; empty for other classes. `mass_ratio` at least 1, `separation`
        in units of `radius`, `tail_fraction` of the light in tails, bridges, plumes and shells.
    """

    number: int
    id: str
    label: str
    state: str
    magnitude: float
    redshift: float
    radius: float
    cos_inclination: float
    position_angle: float
    bulge_fraction: float
    bulge_radius: float
    bulge_index: float
    x: float
    y: float
    neighbors: int
    companion_distance: float
    companion_faintness: float
    compact_fraction: float
    dust_lane: float
    psf_scale: float
    rung: float
    dust: float
    u_v: float
    v_j: float
    arms: int = 0
    pitch: float = 0.0
    arm_fraction: float = 0.0
    bar_fraction: float = 0.0
    clumps: int = 0
    clump_fraction: float = 0.0
    nucleus_fraction: float = 0.0
    merger_stage: str = ""
    mass_ratio: float = 0.0
    separation: float = 0.0
    tail_fraction: float = 0.0

    @property
    def axis_ratio(self) -> float:
        """Apparent axis ratio of a disk a fifth as thick as wide."""
        return float(np.sqrt(0.04 + 0.96 * self.cos_inclination**2))

    @property
    def spectrum(self) -> Spectrum:
        """Spectrum of the galaxy without an active nucleus."""
        return Spectrum(self.rung, self.dust)


def stream(seed: int, number: int, purpose: int) -> Generator:
    """Return the random generator of one galaxy for one purpose, independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, purpose)))


def assign_kinds(n: int, seed: int) -> NDArray[np.int8]:
    """Return the class and state of each galaxy of a survey, as an index into `KINDS`.

    Classes are equally frequent, and half of each class that may be quiescent is; their order is
    random.
    """
    order = np.random.default_rng(np.random.SeedSequence(seed)).permutation(n)
    return (order % len(KINDS)).astype(np.int8)


def draw_galaxies(
    n: int, seed: int, camera: Camera = HST, realistic: bool = False
) -> list[GalaxyTruth]:
    """Return the true parameters of a survey of `n` galaxies; see `draw_galaxy`."""
    kinds = [KINDS[kind] for kind in assign_kinds(n, seed)]
    return [
        draw_galaxy(number, label, state, seed, camera=camera, realistic=realistic)
        for number, (label, state) in enumerate(kinds)
    ]


def draw_galaxy(
    number: int, label: str, state: str, seed: int, *, camera: Camera = HST, realistic: bool = False
) -> GalaxyTruth:
    """Draw the true parameters of one galaxy.

    Parameters
    ----------
    number : int
        Index in the survey.
    label : {"spiral", "merger", "clump", "agn", "q_sf"}
    state : {"quiescent", "star_forming"}
        Ignored for spirals and clumpy disks, which form stars.
    seed : int
        Seed of the survey.
    camera : Camera
        Determines magnitudes, redshifts and apparent sizes.
    realistic : bool
        Give the classes the observed differences in size, color, bulge and so on, instead of
        matching them.
    """
    rng = stream(seed, number, 0)
    nuisances = _draw_nuisances(rng, camera)
    label, state = consistent_state(label, state)
    spectrum = _draw_spectrum(rng, state)
    if realistic:
        nuisances = add_observed_correlations(
            nuisances, (label, state), camera, stream(seed, number, _REALISTIC_STREAM)
        )
        spectrum = observed_spectrum(spectrum, (label, state), nuisances["cos_inclination"])
    u_v, v_j = spectrum.uvj
    colors = {"rung": spectrum.rung, "dust": spectrum.dust, "u_v": u_v, "v_j": v_j}
    return GalaxyTruth(
        number,
        galaxy_id(number),
        label,
        state,
        **nuisances,  # type: ignore[arg-type]
        **colors,  # type: ignore[arg-type]
        **_DRAW_CLASS[label](rng),
    )


def consistent_state(label: str, state: str) -> tuple[str, str]:
    """Return a class and the state of its galaxy: spirals and clumpy disks always form stars."""
    return label, "star_forming" if label in ("spiral", "clump") else state


def galaxy_id(number: int) -> str:
    """Return a galaxy's id, which is its index in the survey and reveals nothing else."""
    return f"sim{number:06d}"


def draw_magnitude(rng: Generator, bright: float, faint: float) -> float:
    """Draw a magnitude between two limits from power-law number counts."""
    low, high = 10 ** (_COUNT_SLOPE * bright), 10 ** (_COUNT_SLOPE * faint)
    return float(np.log10(rng.uniform(low, high)) / _COUNT_SLOPE)


def truth_table(galaxies: Sequence[GalaxyTruth]) -> pa.Table:
    """Return true parameters as a table, one row a galaxy, in the columns of `GalaxyTruth`."""
    return pa.Table.from_pylist([vars(galaxy) for galaxy in galaxies])


def _draw_nuisances(rng: Generator, camera: Camera) -> dict[str, float]:
    magnitude = draw_magnitude(rng, *camera.magnitudes)
    redshift = rng.uniform(*camera.redshifts)
    radius = _draw_radius(rng, median_radius(redshift, camera))
    companion = rng.uniform() < 0.1
    cos_inclination, lane = rng.uniform(0.15, 1), rng.uniform(0.8, 2.4)
    dusty = rng.uniform() < 0.6 and cos_inclination < 0.3
    distance, faintness = rng.uniform(1.2, 3.0) * radius, rng.uniform(-0.3, 1.5)
    kind, share = rng.uniform(), np.exp(rng.uniform(np.log(0.02), np.log(0.1)))
    return {
        "magnitude": float(magnitude),
        "redshift": float(redshift),
        "radius": radius,
        "cos_inclination": float(cos_inclination),
        "position_angle": float(rng.uniform(0, 180)),
        "bulge_fraction": float(rng.beta(1.1, 3.5)),
        "bulge_radius": float(radius * rng.uniform(0.12, 0.35)),
        "bulge_index": float(rng.uniform(1.5, 4)),
        "x": float(rng.normal(0, 1.2)),
        "y": float(rng.normal(0, 1.2)),
        "neighbors": int(rng.poisson(CROWDING * np.pi * FIELD**2)),
        "companion_distance": float(distance) if companion else 0.0,
        "companion_faintness": float(faintness) if companion else 0.0,
        "compact_fraction": float(share if kind < 0.1 else -share if kind < 0.2 else 0.0),
        "dust_lane": float(lane) if dusty else 0.0,
        "psf_scale": float(np.exp(rng.normal(0, camera.seeing_scatter))),
    }


def _draw_radius(rng: Generator, median: float) -> float:
    """Draw a radius with 0.17 dex of scatter about the median, truncated to 4.5 to 13 pixels."""
    low, high = ndtr(np.log10(np.array([4.5, 13.0]) / median) / 0.17)
    return float(median * 10 ** (0.17 * ndtri(rng.uniform(low, high))))


def _draw_spectrum(rng: Generator, state: str) -> Spectrum:
    rung, dust = rng.uniform(size=2)
    if state == "quiescent":
        return Spectrum(float(0.4 * rung), float(0.2 * dust))
    return Spectrum(float(1 + 2 * rung), float(0.8 * dust))


def _spiral(rng: Generator) -> dict[str, float]:
    barred = rng.uniform() < 0.5
    bar, pitch = rng.uniform(0.05, 0.15), rng.normal(19, 6)
    return {
        "arms": int(rng.choice([2, 3, 4], p=[0.65, 0.2, 0.15])),
        "pitch": float(np.clip(pitch, 8, 38)),
        "arm_fraction": float(rng.uniform(0.4, 0.75)),
        "bar_fraction": float(bar) if barred else 0.0,
    }


def _merger(rng: Generator) -> dict[str, float | str]:
    return {
        "merger_stage": str(rng.choice(["pair", "late", "shells"], p=[0.6, 0.25, 0.15])),
        "mass_ratio": float(rng.uniform(1, 4)),
        "separation": float(rng.uniform(0.5, 3.2)),
        "tail_fraction": float(rng.uniform(0.06, 0.25)),
    }


def _clump(rng: Generator) -> dict[str, float]:
    return {"clumps": int(rng.integers(3, 13)), "clump_fraction": float(rng.uniform(0.12, 0.40))}


def _agn(rng: Generator) -> dict[str, float]:
    return {"nucleus_fraction": float(np.exp(rng.uniform(np.log(0.03), np.log(0.60))))}


def _q_sf(rng: Generator) -> dict[str, float]:  # noqa: ARG001 (a smooth galaxy has nothing more)
    return {}


_DRAW_CLASS: Final = {
    "spiral": _spiral,
    "merger": _merger,
    "clump": _clump,
    "agn": _agn,
    "q_sf": _q_sf,
}
