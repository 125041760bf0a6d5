"""Methods that only tables have."""
