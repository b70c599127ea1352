"""Figures of galaxies: contact sheets, and portraits with the features of each extractor."""
