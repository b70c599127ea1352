"""Cutouts of galaxies: reading, preparation and simulation.

`cutouts`
    `Cutout`, one galaxy, and `Cutouts`, a batch.
`reading`
    `read_cutouts` and `read_cutout`: a folder, catalog or file to a batch in one call.
`sources`
    `open_source`, and the sources it opens: folders, catalogs, FITS files, pictures, HDF5 and
    Parquet image sets, mosaics, object stores; each is read shard by shard, with a `Failure` and
    its reason for each cutout that cannot be read.
`fits`
    FITS files: headers that are not trusted, layouts of extensions and planes, compressed images,
    masks and noise maps, fast paths.
`preparation`
    Resampling to one grid, sky subtraction, scaling to unit noise, stretch: the settings, the
    steps, and fast paths with bit-identical results.
`rgb`
    Color pictures for display.
`surveys`
    EFIGI, Galaxy10, GalaxyMNIST and Galaxy Zoo 2, from downloaded files.
`simulation`
    A simulated survey with known truth, and its files.

This package imports neither features nor networks, and no other package reads FITS images.
"""

from typing import TYPE_CHECKING

from galfeat._lazy import lazy_attributes
from galfeat.data.cutouts import Cutout, Cutouts, band_names
from galfeat.data.preparation.steps import Preparation, prepare, prepare_each, prepare_one
from galfeat.data.reading import read_cutout, read_cutouts
from galfeat.data.sources.base import Failure, Reading, Shard
from galfeat.data.sources.open import Source, open_source

if TYPE_CHECKING:
    from galfeat.data.preparation.alignment import align
    from galfeat.data.rgb import lupton_rgb
    from galfeat.data.simulation.survey import SimulatedSurvey, simulate
    from galfeat.data.simulation.write import write_survey
else:  # SciPy's modules are slow to load; readers need none
    __getattr__, __dir__ = lazy_attributes(
        __name__,
        {
            "align": "preparation.alignment",
            "lupton_rgb": "rgb",
            "SimulatedSurvey": "simulation.survey",
            "simulate": "simulation.survey",
            "write_survey": "simulation.write",
        },
        submodules=("surveys",),
    )

__all__ = [
    "Cutout",
    "Cutouts",
    "Failure",
    "Preparation",
    "Reading",
    "Shard",
    "SimulatedSurvey",
    "Source",
    "align",
    "band_names",
    "lupton_rgb",
    "open_source",
    "prepare",
    "prepare_each",
    "prepare_one",
    "read_cutout",
    "read_cutouts",
    "simulate",
    "write_survey",
]
