"""Batch runs that can be interrupted and resumed; see the README beside this file.

Calls go downwards only, in this order:

====================  =============================================================
`run`                 a run from start to end: prepare or resume, measure, merge
`dask`                shards concurrently, on a Dask cluster
`workers`             shards concurrently, in threads or processes
`quarantine`          bisection of a shard that crashes its process
`worker_process`      a process that measures for another one
`retry`, `merge`      failed entries again; the list of failures and narrow tables
`measure_shard`       one shard: read in chunks, measure, write
`shard_files`         results of shards on disk
`parquet`             Parquet tables from row groups and data pages
`manifest`            settings and catalog of a run, to resume only the same
`work`                what is measured, of which source; the keys of shards
`file_stamps`         stamps of files, to detect changes
`work_folder`         the files of an unfinished run
`journal`, `lock`     shards in flight; one run at a time
`signals`             interrupts that Python loses
`options`             options and summary of a run
`disk_errors`         disk errors as sentences
====================  =============================================================

What is measured lies below, in `galfeat.pipeline.extraction.measurement` and
`galfeat.pipeline.models.measurement`.
"""

__all__: list[str] = []
