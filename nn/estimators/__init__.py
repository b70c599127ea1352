"""scikit-learn estimators around the network, with calibrated probabilities."""
