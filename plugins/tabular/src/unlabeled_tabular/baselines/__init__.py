"""Descriptions of rows without learning."""
