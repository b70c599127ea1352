"""Comparison of hand-crafted features with raw pixels: nested cross-validation and its stages.

==========================  =====================================================================
`dataset`                   load: read, measure, select and group labeled galaxies
`budget`, `plan`            plan: inputs and stages that fit the time budget
`run`, `protocol`           run: tasks of all folds, with checkpoints; the results
`fold`, `stages`, `tasks`   one fold: hyperparameter search, training, scores of each stage
`classifiers`               baselines, convolutional network, augmentation
==========================  =====================================================================

Scores and inference over folds are in `galfeat.pipeline.evaluation`, the search and the training of
an ensemble in `galfeat.pipeline.models`; the report is written by `galfeat.pipeline.reporting`.
"""
