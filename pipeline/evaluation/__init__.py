"""Evaluation of classifiers: folds, scores of held-out galaxies, and inference on them.

===================  =============================================================
`cross_validation`   repeated stratified group k-fold, and groups of galaxies
`metrics`            scores of predicted probabilities
`significance`       intervals, tests and equivalence over folds
===================  =============================================================
"""
