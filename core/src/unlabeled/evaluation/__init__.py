"""Embeddings, probes beside their baselines, intervals by group, and the report."""
