"""Models on other galaxies than those of the training set: another field, night, or telescope.

=====================  ===========================================================
`domain`               what a model was trained on, and how far a galaxy is from it
`domain_summary`       the same for all cutouts of a source, as one sentence
=====================  ===========================================================
"""
