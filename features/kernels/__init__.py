"""What compiled kernels of several extractors share.

Compilation, bad pixels, gray levels, vector code.

A kernel is a serial loop over contiguous float32, compiled by numba when first called. Each does
what the ``reference`` module beside it says in clear NumPy, which is its test. A kernel takes a
batch of arrays and an array to fill, releases the lock, starts no thread, and treats each row by
itself, so that a row's result depends neither on the batch nor on the number of threads.

A reference says what a feature is, by definition. It works on planes, arrays of shape (m, ny, nx)
holding one band of one galaxy each, and has no settings of its own to check. Bad pixels are those
that are not finite.
"""
