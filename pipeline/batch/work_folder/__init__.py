"""Work folder of a batch run: manifest, lock, journal, file stamps and finished shards."""
