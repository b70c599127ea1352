"""Models: feature tables to model files, model files and cutouts to classes and probabilities.

==================  ==============================================================
`train`             the command: a feature table to a model file
`classify`          the command: a model and a source to a table of classes
`measurement`       the classes' columns and rows, for a batch run
`model`             recipe, encoder and network
`inputs`            inputs of classifiers: scaled blocks of features
`archive`           model files
`sklearn_state`     fitted scikit-learn estimators as plain values
==================  ==============================================================
"""
