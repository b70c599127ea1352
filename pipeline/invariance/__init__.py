"""Invariances of the extractors, measured on simulated galaxies."""
