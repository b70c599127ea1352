"""A simulated survey of galaxies in five classes.

Populations, profiles, mergers, instrument, noise.
"""
