"""Models: feature tables to model files, model files and cutouts to classes and probabilities."""
