"""Local binary patterns: definition, features and compiled kernels."""
