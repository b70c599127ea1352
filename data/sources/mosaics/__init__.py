"""Cutouts around the positions of a catalog in mosaics: only their pixels are read."""
