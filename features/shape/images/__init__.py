"""Operations on an image: apertures, filters, moments, regions, sorting, the stamp of a source."""
