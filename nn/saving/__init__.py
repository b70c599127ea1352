"""Trained networks as settings and arrays, in a file without pickle."""
