"""The index bundle: columns and neighbour backends, building, publishing, fetching and following it."""
