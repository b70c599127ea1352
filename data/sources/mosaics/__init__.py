"""Cutouts around positions in mosaics: `open` finds their pixels, and `source` reads only these."""
