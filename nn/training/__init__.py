"""Training: the mini-batch loop, early stopping, ensembles, full-batch solvers, exact Hessians,
gradient checks.
"""
