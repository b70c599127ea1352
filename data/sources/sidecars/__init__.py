"""Sidecar files: which file of a folder accompanies which galaxy, and what it holds."""
