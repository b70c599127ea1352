"""Galaxy surveys with classes, read from local files: nothing here is downloaded.

`efigi`
    EFIGI (Baillard et al. 2011): 4,458 nearby galaxies, and the rule that derives five classes
    from their attributes.
`galaxy10_sdss`, `galaxy10_decals`
    Galaxy10 (Leung and Bovy): 21,785 and 17,736 color pictures in ten classes each, in one HDF5
    file.
`galaxy_mnist`
    GalaxyMNIST (Walmsley): 10,000 color pictures in four classes, in two HDF5 files.
`galaxy_zoo2`
    Galaxy Zoo 2 (Willett et al. 2013): pictures with volunteers' votes, of the Kaggle challenge or
    of Hart et al. (2016).

Each function returns a source, as `galfeat.data.open_source` does: for `galfeat.pipeline.compare`
and `extract`, or to be read shard by shard. Its catalog has the column ``label``, empty where a
galaxy belongs to none of the classes. Each docstring says where the data set is published, and
which of that was verified.
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
