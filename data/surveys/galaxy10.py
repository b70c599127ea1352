"""Galaxy10 of SDSS and of DECaLS: color pictures in ten classes by Galaxy Zoo votes."""

from pathlib import Path

from galfeat.data.sources.image_sets.hdf5 import Hdf5Source
from galfeat.data.surveys.classes import name_classes, open_square_images

__all__ = ["GALAXY10_DECALS", "GALAXY10_SDSS", "galaxy10_decals", "galaxy10_sdss"]

GALAXY10_SDSS = (
    "Disk, Face-on, No Spiral",
    "Smooth, Completely round",
    "Smooth, in-between round",
    "Smooth, Cigar shaped",
    "Disk, Edge-on, Rounded Bulge",
    "Disk, Edge-on, Boxy Bulge",
    "Disk, Edge-on, No Bulge",
    "Disk, Face-on, Tight Spiral",
    "Disk, Face-on, Medium Spiral",
    "Disk, Face-on, Loose Spiral",
)
GALAXY10_DECALS = (
    "Disturbed Galaxies",
    "Merging Galaxies",
    "Round Smooth Galaxies",
    "In-between Round Smooth Galaxies",
    "Cigar Shaped Smooth Galaxies",
    "Barred Spiral Galaxies",
    "Unbarred Tight Spiral Galaxies",
    "Unbarred Loose Spiral Galaxies",
    "Edge-on Galaxies without Bulge",
    "Edge-on Galaxies with Bulge",
)
_SDSS_SIDE, _DECALS_SIDE = 69, 256


def galaxy10_sdss(path: str | Path) -> Hdf5Source:
    """Open Galaxy10 SDSS.

    Parameters
    ----------
    path : str or Path
        The file ``Galaxy10.h5``, with the datasets ``images``, of shape (21785, 69, 69, 3), and
        ``ans``.

    Returns
    -------
    Hdf5Source
        Its catalog has ``label``, one of `GALAXY10_SDSS`, and every other value that the file has
        for each galaxy. The channels are named red, green and blue; the pictures are composed of
        the bands g, r and i.

    Raises
    ------
    UsageError
        If h5py is not installed, or it is another file: its images have another size, or its
        classes other numbers.

    Notes
    -----
    Classes, their numbers and the size of the images are as given at
    https://astronn.readthedocs.io/en/latest/galaxy10sdss.html (verified), which also links the file
    (not verified). The classes are strongly imbalanced: there are 17 disks with a boxy bulge. 8-bit
    pictures are not photometric: their stretch cannot be undone.

    References
    ----------
    Leung, H. W., & Bovy, J. 2019, MNRAS 483, 3255, https://doi.org/10.1093/mnras/sty3217 (astroNN,
    which publishes the set); Lintott, C., et al. 2008, MNRAS 389, 1179,
    https://doi.org/10.1111/j.1365-2966.2008.13689.x (Galaxy Zoo)
    """
    source = open_square_images(
        Path(path), {_SDSS_SIDE: "", _DECALS_SIDE: "Galaxy10 DECaLS, which galaxy10_decals opens"}
    )
    return name_classes(source, "label", GALAXY10_SDSS)


def galaxy10_decals(path: str | Path) -> Hdf5Source:
    """Open Galaxy10 DECaLS.

    Parameters
    ----------
    path : str or Path
        The file ``Galaxy10_DECals.h5``, with the datasets ``images``, of shape (17736, 256, 256,
        3), ``ans``, ``ra``, ``dec``, ``redshift`` and ``pxscale``, arcseconds a pixel.

    Returns
    -------
    Hdf5Source
        Its catalog has ``label``, one of `GALAXY10_DECALS`, and every other value that the file has
        for each galaxy. The channels are named red, green and blue; the pictures are composed of
        the bands g, r and z.

    Raises
    ------
    UsageError
        If h5py is not installed, or it is another file: its images have another size, or its
        classes other numbers.

    Notes
    -----
    Classes, their numbers and the layout are as on the card of
    https://huggingface.co/datasets/matthieulel/galaxy10_decals (verified); the file itself is
    published with astroNN, at https://astronn.readthedocs.io/ (not verified).

    References
    ----------
    Leung, H. W., & Bovy, J. 2019, MNRAS 483, 3255, https://doi.org/10.1093/mnras/sty3217 (astroNN,
    which publishes the set); Walmsley, M., et al. 2022, MNRAS 509, 3966,
    https://doi.org/10.1093/mnras/stab2093 (Galaxy Zoo DECaLS)
    """
    source = open_square_images(
        Path(path), {_DECALS_SIDE: "", _SDSS_SIDE: "Galaxy10 SDSS, which galaxy10_sdss opens"}
    )
    return name_classes(source, "label", GALAXY10_DECALS)
