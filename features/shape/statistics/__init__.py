"""The quantities of one name each, as compiled kernels on arrays."""
