"""The stranger's plugin, with one part broken at a time."""
