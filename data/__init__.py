"""Where cutouts come from, and how they are brought to one form.

In order, from a disk to what an extractor eats:

`sources`
    one door, `open_source`, to a folder, a catalogue, a FITS file or a picture; `Source` is what comes out of it.
`folders`, `companions`, `catalogs`, `columns`
    which files are galaxies and what they are called; what only accompanies them; tables in five formats.
`files`, `shards`, `failures`
    reading a source shard by shard: cutouts, and a `Failure` with its reason for each that cannot be read.
`fits`, `headers`, `numbers`, `layouts`, `streams`, `pictures`
    one file to galaxies: FITS headers read without believing them, extensions and planes arranged as galaxies and bands, pixels.
`compressed`, `transcoding`, `hcompress`
    images that are stored packed.
`opening`, `beside`, `matching`, `layers`
    one file behind one door; noise maps, masks and segments that lie beside a galaxy or in its file, and what becomes of them.
`known`
    what a source knows of its files: what they hold, so that shards need not look again, and which oddities were reported.
`plain`, `rows`, `forms`
    the same for plain images by the thousand, a file or an extension each: what headers share is understood once.
`hdf5`, `image_sets`, `by_row`, `choosing`
    image sets in HDF5 and Parquet; what sources share whose galaxies are rows; the bands that are asked for.
`positions`, `places`, `mosaics`
    places in the sky to pixels of mosaics, and these read without the rest.
`cutouts`
    `Cutout`, one galaxy, and `Cutouts`, a batch.
`reading`
    `read_cutouts` and `read_cutout`: all of the above in one call.
`preparation`, `prepare`, `windows`, `resample`, `sky`
    one size, sky at zero, noise at one, stretch: the settings, the order of steps, the part that is shown, its grid, level and noise.
`quick`, `medians`
    the same for cutouts without flaws, many at once, to the same bits.
`segmentation`, `shape`, `aiming`, `alignment`
    which pixels are the galaxy in the middle; where its light lies; the part of a cutout drawn around it; galaxies brought to one place,
    direction and size.
`colour`
    pictures for people.
`surveys`
    EFIGI, Galaxy10, GalaxyMNIST and Galaxy Zoo 2, out of files that you have.
`simulate`, `write`
    a survey out of nothing, for those who bring no galaxies, and its way onto a disk.
`survey_truth`, `templates`, `instrument`
    what the survey's galaxies are, drawn alike for every class; their colours; bands, depth and the point spread.
`populations`, `visibility`
    the survey with the sky's own correlations, for those who ask for it; how well what makes a class can be seen.
`profiles`, `structure`, `encounter`, `scene`, `render`, `noise`
    smooth light, arms, clumps and lanes, colliding galaxies, all of it put on one sky, and turned into pixels with noise.

Nothing in here knows features or networks, and nothing outside reads FITS images.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from galfeat.data.cutouts import Cutout, Cutouts, band_names
from galfeat.data.failures import Failure
from galfeat.data.prepare import Preparation, prepare, prepare_each, prepare_one
from galfeat.data.reading import read_cutout, read_cutouts
from galfeat.data.shards import Reading, Shard
from galfeat.data.simulate import SimulatedSurvey, simulate
from galfeat.data.sources import Source, open_source

if TYPE_CHECKING:
    from galfeat.data.alignment import align
    from galfeat.data.colour import lupton_rgb
    from galfeat.data.write import write_survey

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


_LATE = {
    "align": "alignment",
    "lupton_rgb": "colour",
    "write_survey": "write",
}  # modules that import what readers need not wait for: astropy, scipy.ndimage


def __getattr__(name: str) -> Any:
    if name == "surveys":
        return import_module("galfeat.data.surveys")
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"galfeat.data.{_LATE[name]}"), name)
