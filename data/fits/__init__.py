"""FITS files: headers that are not trusted, images, masks and noise maps in other extensions, and
fast paths for many alike.
"""
