"""Preparation of cutouts: center, resample, subtract the sky, scale to unit noise, stretch."""
