"""A simulated survey of galaxies in five classes: populations, profiles, mergers, instrument, noise."""
