"""Parquet files assembled from data pages and row groups; see the README beside this file.

==================  ===============================================================
`growing_table`     a table to which the row groups of shard files are copied
`row_groups`        footers, and row groups copied between files
`vector_pages`      data pages of fixed-size vectors
`thrift`            the compact protocol of footers and page headers
==================  ===============================================================
"""
