"""The measurements at survey speed: serial loops over contiguous float32, compiled by numba when first called.

Each does what its namesake in `galfeat.features.plain` says in clear NumPy, which is its test. A kernel takes a batch of
arrays and an array to fill, releases the lock, starts no thread, and treats each row by itself, so that a row's result depends
neither on the batch nor on the number of threads.
"""
