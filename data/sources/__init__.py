"""Sources of cutouts, read shard by shard.

`open` finds out what a path is, and opens it with `options`, which are passed whole.

`files`, `folders`, `catalogs`, `sidecars`
    FITS files and pictures: of a folder, of a catalog, or one file with many galaxies.
`mosaics`, `positions`
    Cutouts around positions in mosaics.
`hdf5`, `parquet`
    Image sets for machine learning.
`remote`
    Object stores and the web.
"""
