"""Pixel grids on the sky: comparison of bands' grids, and resampling to one of them."""
