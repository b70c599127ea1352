"""What accompanies a galaxy in a FITS file: noise maps, masks, data-quality bits, segments."""
