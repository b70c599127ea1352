"""Folds of the nested cross-validation: splits, stages, tasks, permutation importance."""
