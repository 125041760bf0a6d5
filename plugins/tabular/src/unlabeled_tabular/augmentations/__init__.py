"""Changes to rows."""
