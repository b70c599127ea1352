"""Batch runs that can be interrupted and resumed.

Finished shards are kept, and the same command measures the rest.

===================  ==================================================================
`run`                a run from beginning to end, new or resumed
`task`               what is done, and the key under which a shard's result is kept
`manifest`           what an unfinished run was about
`chunks`             a shard is read in chunks, and its rows are put into groups
`shard_files`        a shard's result in a file of its own
`workers`, `signals` several shards at a time, in threads or processes; interruption
`dask`               several shards at a time, on a Dask cluster
`worker_process`     a process that measures for another one, and may die of it
`quarantine`         the one galaxy that ends a process is found and left out
`journal`, `lock`    which shards are in flight; one run at a time
`retry`              measuring again what failed
`merge`              the end: one list of failures, and tables of narrow rows
`parquet`            shards to one Parquet table, while others are measured
`file_stamps`, `writing`
                     what tells files apart; files that appear whole
===================  ==================================================================
"""

__all__: list[str] = []
