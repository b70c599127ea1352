"""Figures of galaxies: contact sheets, and what each extractor sees of one galaxy."""
