"""FITS files: safe header parsing, image layouts, tile decompression, ancillary images, fast paths.

README.md beside this file says why headers, tiles and HCOMPRESS are read here and not by astropy,
and what that gains.
"""
