"""Batch runs that survive anything: what is through stays so, and the same command goes on with the rest.

==================  ==================================================================
`run`               a run from beginning to end, begun or gone on with
`work`              what is done, and the key under which a shard's result is kept
`manifest`          what an unfinished run was about
`cutting`           a shard is read in pieces, and its rows are put into groups
`shard_files`       a shard's result in a file of its own
`running`           several shards at a time, in threads or processes
`clusters`          several shards at a time, on a Dask cluster
`child`             a process that measures for another one, and may die of it
`quarantine`        the one galaxy that ends a process is found and left out
`journal`, `lock`   which shards are in flight; one run at a time
`retrying`          measuring again what failed
`growing`           shards to one table, while others are measured
`merging`           the end: one list of failures, and tables of narrow rows
`row_groups`, `vector_pages`, `thrift`, `stamps`, `writing`
                    Parquet put together byte by byte; files and what tells them apart; files that appear whole
==================  ==================================================================
"""

__all__: list[str] = []
