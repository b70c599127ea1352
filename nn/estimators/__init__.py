"""scikit-learn estimators around the network.

``classifier``, ``regressor``
    `MLPClassifier` and `MLPRegressor`.
``base``, ``fitted``, ``settings``, ``labels``, ``random_state``
    what both share: training from settings; fitted attributes and saved state; checks of settings;
    one-hot targets and class weights; random generators.
``class_predictions``, ``predict``, ``probabilities``, ``calibration``
    the classifier's prediction methods; prediction independent of the batch size; ensemble
    probabilities; temperature scaling.
"""
