"""The comparison of features with raw pixels.

Nested cross-validation, ablations, perturbations, significance.
"""
