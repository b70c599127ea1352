"""Known sets of galaxies with classes, read from files that you have: nothing here is downloaded.

`efigi`
    EFIGI (Baillard et al. 2011): 4,458 nearby galaxies, and the rule that makes five classes of
    their attributes.
`galaxy10_sdss`, `galaxy10_decals`
    Galaxy10 (Leung and Bovy): 21,785 and 17,736 colour pictures in ten classes each, in one HDF5
    file.
`galaxy_mnist`
    GalaxyMNIST (Walmsley): 10,000 colour pictures in four classes, in two HDF5 files.
`galaxy_zoo2`
    Galaxy Zoo 2 (Willett et al. 2013): the pictures with the votes, of the Kaggle challenge or of
    Hart et al. (2016).

Each function returns a source, as `galfeat.data.open_source` does: for `galfeat.pipeline.compare`
and `extract`, or to be read shard by shard. Its catalogue has the column ``label``, empty where a
galaxy belongs to none of the classes. Each says where its set is to be had, and which of that was
looked up and which is hearsay.
"""

from galfeat.data.surveys.efigi import efigi, efigi_labels
from galfeat.data.surveys.galaxy10 import (
    GALAXY10_DECALS,
    GALAXY10_SDSS,
    galaxy10_decals,
    galaxy10_sdss,
)
from galfeat.data.surveys.galaxy_mnist import GALAXY_MNIST, galaxy_mnist
from galfeat.data.surveys.galaxy_zoo2 import galaxy_zoo2, galaxy_zoo2_labels

__all__ = [
    "GALAXY10_DECALS",
    "GALAXY10_SDSS",
    "GALAXY_MNIST",
    "efigi",
    "efigi_labels",
    "galaxy10_decals",
    "galaxy10_sdss",
    "galaxy_mnist",
    "galaxy_zoo2",
    "galaxy_zoo2_labels",
]
