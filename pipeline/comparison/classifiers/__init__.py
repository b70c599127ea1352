"""The classifiers that are compared, and how their hyperparameters and training copies are
drawn.
"""
