"""Code that the compiled kernels of several extractors share.

``compiling``
    The decorator `kernel`: numba with the project's flags, and a cache that sees changes of
    imported kernels.
``finite``, ``levels``, ``products``
    Bad pixels; brightness levels as bytes; a matrix product of a fixed order of summation.
``vector_code``, ``words``
    Building blocks of vector code written as LLVM instructions.

A kernel is a serial loop over contiguous float32 arrays, compiled by numba when first called. It
computes what the ``reference`` module beside it defines in NumPy and is tested against it. Kernels
take a batch of arrays and an output array, release the GIL, start no threads, and treat each row by
itself, so that a row's result depends neither on the batch nor on the number of threads.

A reference works on planes, arrays of shape (m, ny, nx) with one band of one galaxy each, and does
not check settings. Bad pixels are those that are not finite. The README in this folder says why the
code is compiled, what the hand-written vector code gains, and how to add a kernel.
"""
