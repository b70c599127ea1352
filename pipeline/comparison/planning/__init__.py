"""Plan of a comparison: presets, predicted run time, and what fits the time budget."""
