"""Settings of a run: their schema, the sources they are read from, and how sources are combined."""
