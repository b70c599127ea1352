"""Parquet tables that grow while shards are measured, assembled from row groups and data pages."""
