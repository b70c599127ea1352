"""The comparison of features with raw pixels: nested cross-validation, ablations, perturbations, significance."""
