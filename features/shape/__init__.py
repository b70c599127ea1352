"""Morphological statistics: radii, concentration, asymmetry, Gini, M20, MID and Sersic index.

``extractor``
    `Shape`: the extractor.
``measurement``, ``quantities``
    `ShapeTable`: values, validity and flags; the quantities and flags by name, unit and definition.
``planes``
    Prepared pixels to planes of light, of which each is measured.
``stages``
    All quantities of one plane, in the order of their dependence: ``plane``; ``light`` (center,
    radii, Sersic profile), ``turns`` (asymmetries), ``structure`` (Gini, M20, MID), ``details``.
``statistics``
    The quantities of one name each. From the literature: ``petrosian`` (and radii that hold a part
    of the light), ``asymmetry``, ``detection_mask``, ``smoothness``, ``gini_m20``, ``mid``,
    ``sersic``; what it has not: ``rings`` and their modes, ``clumps`` and roughness, ``colors``.
``images``
    ``segmentation``, ``stamp``, ``regions``, ``moments``, ``sky``: the source in the middle, the
    image around it, connected pixels, its ellipse, the box of sky. ``apertures``, ``filters``,
    ``sorting``: light in ellipses, exactly; Gaussian and uniform filters; a radix sort.
``reference``
    The same definitions in plain NumPy and SciPy: what the kernels are tested against.
"""

from galfeat.features.shape.extractor import Shape
from galfeat.features.shape.measurement import ShapeTable

__all__ = ["Shape", "ShapeTable"]
