"""Encoders of rows."""
