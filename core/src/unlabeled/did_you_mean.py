"""The nearest of the names that there are, for every error about an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, names: Iterable[str], otherwise: str | None = None) -> str:
    """ " Did you mean x?" (with a space before it); else `otherwise`, or what there is."""
    known = list(names)
    near = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    if near:
        return f" Did you mean {near[0]}?"
    if otherwise is not None:
        return f" {otherwise}"
    return f" There are: {', '.join(known) or 'none'}."
