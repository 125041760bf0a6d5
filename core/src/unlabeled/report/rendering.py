"""Templates of the page: texts are escaped, and paths of this machine are shortened."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unlabeled.report.paths import shortened
from unlabeled.wording import counted


def render(template: str, **values: object) -> Markup:
    """The template of this name with `values`, as HTML."""
    page = _environment().get_template(template).render(values)
    return Markup(page)  # noqa: S704 - the template escaped what is not Markup


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("unlabeled.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_public,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["counted"] = counted
    return environment


def _public(value: Any) -> Any:
    """What a template prints. Markup is of our own making and stays."""
    return shortened(value) if isinstance(value, str) and not isinstance(value, Markup) else value
