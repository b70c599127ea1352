"""SIFT descriptors on a grid: upright, of one size, with a flat window."""
