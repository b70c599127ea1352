"""SIFT keypoints: scale space, extrema, orientations and descriptors (Lowe 2004)."""
