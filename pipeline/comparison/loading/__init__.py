"""Data of a comparison: labeled galaxies, feature blocks, perturbed and external test sets."""
