"""The measurements in clear NumPy: what each feature is, by definition.

They work on planes, arrays of shape (m, ny, nx) holding one band of one galaxy each, and have no settings of their own to
check. Bad pixels are those that are not finite.

``histogram``
    levels by fixed edges; fractions by level, and by pairs of levels.
``glcm``
    grey-level co-occurrence matrices with true diagonals.
``haralick``
    Haralick's thirteen statistics of such matrices.
``lbp``
    histograms of uniform local binary patterns.
``hog``
    histograms of oriented gradients, equal to scikit-image's where its absolute epsilon vanishes.
``pixels``
    means of boxes of pixels, and values for holes.
"""
