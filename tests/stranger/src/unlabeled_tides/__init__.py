"""Tide gauges: a plugin as a stranger would write it."""
