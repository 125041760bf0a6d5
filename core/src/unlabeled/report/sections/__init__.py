"""The parts of the page: a module and a template each, in the order that `page` lists."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Section:
    """key: its anchor; title: its heading, also in the list of contents; body: what is below."""

    key: str
    title: str
    body: Markup
