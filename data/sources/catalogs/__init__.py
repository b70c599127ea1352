"""Catalogs: their file formats, their columns, and positions on the sky or in pixels."""
