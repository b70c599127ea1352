"""Morphological statistics: radii, concentration, asymmetry, Gini, M20, MID and Sersic index.

``extractor``
    `Shape`: the extractor.
``measurement``, ``quantities``
    `ShapeTable`: values, validity and flags; the quantities and flags by name, unit and definition.
``planes``, ``kernel``
    Prepared pixels to planes of light, and all quantities of one plane.
``segmentation``, ``regions``, ``stamp``, ``moments``, ``sky``
    The source in the middle; connected pixels; the image around it; its ellipse; the box of sky.
``apertures``, ``petrosian``
    Light in ellipses, exactly; Petrosian radii and radii that hold a part of the light.
``asymmetry``, ``detection_mask``, ``smoothness``, ``gini_m20``, ``mid``, ``sersic``
    The quantities of one name each.
``rings``, ``clumps``, ``colors``
    What the literature has not: rings and their modes, clumps and roughness, colors of two bands.
``filters``, ``sorting``
    Gaussian and uniform filters; a radix sort.
``reference``
    The same definitions in plain NumPy and SciPy: what the kernels are tested against.
"""

from galfeat.features.shape.extractor import Shape
from galfeat.features.shape.measurement import ShapeTable

__all__ = ["Shape", "ShapeTable"]
