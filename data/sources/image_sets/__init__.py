"""Image sets in one file: HDF5 as Galaxy10, Parquet as on Hugging Face."""
