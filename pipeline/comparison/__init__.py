"""Comparison of hand-crafted features with raw pixels: nested cross-validation and its stages.

==========================  =====================================================================
`dataset`                   load: read, measure, select and group labeled galaxies
`budget`, `plan`            plan: inputs and stages that fit the time budget
`run`, `protocol`           run: tasks of all folds, with checkpoints; the results
`fold`, `stages`, `tasks`   one fold: hyperparameter search, training, scores of each stage
`classifiers`               baselines, convolutional network, hyperparameters, augmentation
`significance`, `metrics`   scores of a fold, and inference over the folds
==========================  =====================================================================

The report is written by `galfeat.pipeline.reporting`.
"""
