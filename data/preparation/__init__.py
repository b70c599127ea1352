"""Preparation of cutouts: subtract the sky, scale to unit noise, center, crop, resample,
stretch.
"""
