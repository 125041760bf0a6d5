"""The map of embeddings, and how well group and label can be predicted from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from unlabeled.report.charts import scatter
from unlabeled.report.columns import Column, column
from unlabeled.report.layouts import FEWEST, layouts
from unlabeled.report.rendering import render
from unlabeled.report.sections import Section
from unlabeled.report.seen import Seen
from unlabeled.report.separability import Separability, separability


@dataclass(frozen=True)
class Map:
    """places: by layout, (m, 2); columns: of the m embedded items; separabilities: how well each
    can be predicted from the embedding."""

    seen: Seen
    places: dict[str, np.ndarray]
    columns: tuple[Column, ...]
    separabilities: tuple[Separability, ...]

    @property
    def picture(self) -> Markup:
        """The first layout by the first column, without anything to click."""
        places = next(iter(self.places.values()))
        first = self.columns[0] if self.columns else None
        title = f"{len(places)} items" + (f", coloured by {first.name}" if first else "")
        return scatter(title, places, _colours(first, len(places)), kind=_classes(first))


def map_of(seen: Seen) -> Map | None:
    """None for too few items."""
    if len(seen.embedded) < FEWEST:
        return None
    columns = tuple(filter(None, (_taken(each, seen.embedded) for each in seen.columns)))
    groups = seen.groups[seen.embedded]
    found = (separability(seen.vectors, each, groups) for each in columns)
    return Map(seen, layouts(seen.vectors), columns, tuple(each for each in found if each))


def embedding_map(found: Map | None, seen: Seen) -> Section | None:
    """The section; without enough items it says so."""
    if found is None:
        return None
    body = render(
        "sections/map.html",
        map=found,
        seen=seen,
        chart=_chart(found),
        facts=_facts(found),
        sentence=sentence(found.separabilities),
        colours=_data(found),
    )
    return Section("map", "Map of the embeddings", body)


def sentence(separabilities: Sequence[Separability]) -> str:
    """The group beside the labels, in words."""
    groups = [each for each in separabilities if each.role == "group"]
    labels = [each for each in separabilities if each.role == "label" and each.metric == "AUC"]
    if not (groups and labels):
        return ""
    group, best = groups[0], max(labels, key=lambda each: each.score)
    scores = f"(AUC {group.score:.2f} beside {best.score:.2f})"
    if group.interval.low > best.interval.high:
        return (
            f"The group can be predicted better than {best.name} {scores}: leave whole groups out "
            "when you evaluate. Where groups are sites, scanners or recorders, look for what "
            "differs between them and should not matter."
        )
    if group.score < 0.6:
        return f"The group hardly shows {scores}."
    return f"The group shows as well as {best.name} does {scores}."


def _taken(each: Column, places: np.ndarray) -> Column | None:
    """The column of the embedded items alone; its classes keep their names."""
    if each.values is not None:
        return column(each.name, each.role, each.values[places].tolist())
    codes = each.codes[places]
    return Column(each.name, each.role, each.classes, codes) if len(np.unique(codes)) > 1 else None


def _colours(each: Column | None, count: int) -> np.ndarray:
    return each.colours if each else np.zeros(count, int)


def _classes(each: Column | None) -> str:
    return "quantity" if each is not None and each.quantity else "classes"


def _chart(found: Map) -> Markup:
    places, first = next(iter(found.places.values())), next(iter(found.columns), None)
    return scatter(
        "Map of the embeddings",
        places,
        _colours(first, len(places)),
        kind=_classes(first),
        large=True,
    )


def _data(found: Map) -> Markup:
    """What the script needs, as JSON that no text can leave."""
    seen = found.seen
    places = seen.embedded.tolist()
    return htmlsafe_json_dumps(
        {
            "layouts": {n: np.round(at, 4).tolist() for n, at in found.places.items()},
            "names": [seen.names[place] for place in places],
            "places": places,
            "columns": [
                {
                    "name": each.name,
                    "kind": _classes(each),
                    "colours": each.colours.tolist(),
                    "legend": each.legend(),
                    "values": _texts(each),
                }
                for each in found.columns
            ],
        }
    )


def _texts(each: Column) -> list[str]:
    """The value of every item, as text."""
    if each.values is not None:
        return [f"{value:.4g}" if np.isfinite(value) else "" for value in each.values]
    return [each.classes[code] if code >= 0 else "" for code in each.codes]


def _facts(found: Map) -> list[Separability]:
    """Labels first, then the group."""
    order = {"label": 0, "group": 1, "metadata": 2}
    return sorted(found.separabilities, key=lambda each: order[each.role])
