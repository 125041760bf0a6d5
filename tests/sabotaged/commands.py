"""A command that breaks its clause."""

from __future__ import annotations


def untyped(path):
    """Count what is there.

    Parameters
    ----------
    path
        A folder.
    """
    return {"path": str(path)}
