"""Simulated survey of galaxies in five classes: populations, profiles, mergers, cameras, noise."""
