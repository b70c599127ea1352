"""Saving and loading of trained networks as settings and arrays, without pickle."""
