"""Classifiers of the comparison, their hyperparameter search, and augmentation."""
