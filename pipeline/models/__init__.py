"""Models: feature tables to model files, model files and cutouts to classes and probabilities.

==================  ==============================================================
`train`             the command: a feature table to a model file
`classify`          the command: a model and a source to a table of classes
`measurement`       the classes' columns and rows, for a batch run
`model`             recipe, encoders, ensemble of networks and class priors
`inputs`            inputs of classifiers: scaled blocks of features
`fitting`           hyperparameter search, training and calibration of an ensemble
`ensemble`          ensembles of networks, and the training of one network
`hyperparameters`   what is searched
`split`             encoders fitted on the training side of a split
`scores`            what a model is worth, by cross-validation
`priors`            class priors
`from_report`       settings of a comparison's report
`padding`           prediction in batches of a fixed number of rows
`archive`           model files
`sklearn_state`     fitted scikit-learn estimators as plain values
==================  ==============================================================
"""
