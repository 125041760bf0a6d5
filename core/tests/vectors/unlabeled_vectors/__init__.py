"""A toy plugin: short sequences of vectors, one JSON file each."""
