"""Feature extraction: cutouts to feature tables, and these joined, exported and uploaded.

===================  =============================================================
`extract`            the command: a source of cutouts to a feature table
`measurement`        the feature table's columns and rows, for a batch run
`measure`            prepare and measure some cutouts
`recipe`             bands, preparation and extractors with their settings
`scalar_columns`     named quantities with units, as columns
`sky_columns`        noise of the sky of each band, as columns
`feature_table`      the Parquet table: schema, metadata, reading
`join`, `export`     several tables as one; FITS and CSV
`fits_table`         FITS binary tables larger than memory
`upload`             outputs on object stores
===================  =============================================================
"""
