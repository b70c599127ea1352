"""Feature extraction: cutouts to feature tables, and these joined, exported and uploaded."""
