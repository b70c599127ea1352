"""Sources of cutouts: folders, catalogs, FITS, HDF5 and Parquet files, mosaics and object stores,
read shard by shard.
"""
