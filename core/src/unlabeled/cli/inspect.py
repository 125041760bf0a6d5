"""`unlabeled inspect`: look at the data of a folder before training."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from unlabeled import discovery
from unlabeled.cli.catalogue import Json
from unlabeled.cli.overrides import parse_overrides
from unlabeled.cli.printing import console, print_json
from unlabeled.errors import DataError, RecipeError, UnlabeledError, UnreadableItem

if TYPE_CHECKING:
    from unlabeled.contract import Reader
    from unlabeled.data.items import Items
    from unlabeled.recipe import Choice

FLAGS = ("--reader", "--read", "--json")
SHOWN = 10
"""Quarantined files, groups or values of a column that the text shows."""
MOST_VALUES = 32
"""How many values of a fact (bands, tokens) the text shows."""
LONG = 80
"""Characters; longer values are a reader's own notes, which the text does not show."""
EXAMPLES = 3
"""Groups, and items with a finding of a data check, that are named."""


def inspect(
    modality: str,
    path: Path,
    *overrides: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)],
    reader: str | None = None,
    read: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 64,
    json: Json = False,
) -> None:
    """List what a plugin's reader finds: counts, sizes, groups, metadata, broken files.

    Headers are read of everything, contents of a few items. Reader settings can be given as
    --reader.key value.

    Parameters
    ----------
    modality
        The plugin's name.
    path
        The folder or file.
    reader
        A reader of the plugin; every reader that finds something if left out.
    read
        Number of items to read whole, evenly spread; unusual contents are reported.
    """
    found = discovery.usable(modality)
    assert found.plugin is not None
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder")
    settings = parse_overrides(overrides, FLAGS, section="reader").get("reader", {})
    names = [reader.rpartition("/")[2]] if reader else list(found.plugin.readers)
    described: list[dict[str, Any]] = []
    refusals: list[UnlabeledError] = []
    for name in names:
        try:
            described.append(_describe(f"{modality}/{name}", settings, path, read))
        except (DataError, RecipeError) as error:  # perhaps a setting of another reader
            refusals.append(error)
    if not described:
        raise _refused(refusals, [f"{modality}/{name}" for name in names])
    if json:
        print_json(described)
        return
    for entry in described:
        _print(entry)


def _refused(refusals: list[UnlabeledError], names: list[str]) -> UnlabeledError:
    """Why no reader can read the data, or take the settings."""
    if not refusals:
        return DataError("the plugin has no reader")
    kind = DataError if any(isinstance(each, DataError) for each in refusals) else RecipeError
    named = zip(names, refusals, strict=True)
    return kind("\n  ".join(f"{name}: {each}" for name, each in named if isinstance(each, kind)))


def _describe(name: str, settings: Mapping[str, Any], path: Path, read: int) -> dict[str, Any]:
    from unlabeled.recipe import build_reader, read_choice

    choice = read_choice("readers", {"name": name, **settings}, "inspect")
    reader = build_reader(choice)
    items = reader.index(path)
    found_in, measured, unreadable = _look_inside(reader, items, read)
    facts, unfit = _facts(reader, items)
    return {
        "reader": name,
        "path": str(path),
        "items": len(items),
        "facts": facts,
        "size": _numbers(items.table["size"].to_pylist()),
        "groups": len(set(items.table["group"].to_pylist()) - {""}),
        "some_groups": _some_groups(items),
        "metadata": _columns(items),
        "measured": measured,
        "account": items.account(),
        "left_out": [asdict(each) for each in items.left_out],
        "notes": [*items.notes, *unfit],
        "quarantined": [
            f"{q.source}: expected {q.expected}, found {q.found}" for q in items.quarantine
        ],
        "read": min(read, len(items)),
        "unreadable": unreadable,
        "data_checks": {noticed: len(ids) for noticed, ids in found_in.items()},
        "found_in": {noticed: ids[:EXAMPLES] for noticed, ids in found_in.items()},
        "recipes": _recipes_for(choice),
        "suggested": None if unfit else _suggestion(reader, items),
    }


def _some_groups(items: Items) -> dict[str, str]:
    """A few groups, each with the id of one item, to check how names were parsed."""
    shown: dict[str, str] = {}
    columns = (items.table[name].to_pylist() for name in ("group", "id"))
    for group, item in zip(*columns, strict=True):
        if group and len(shown) < EXAMPLES:
            shown.setdefault(group, item)
    return shown


def _facts(reader: Reader, items: Items) -> tuple[dict[str, Any], list[str]]:
    """The facts for encoders; or why the items cannot be trained on together."""
    try:
        return (dict(reader.describe(items)) if len(items) else {}), []
    except DataError as error:
        return {}, [f"not to be trained on together: {error}"]


def _suggestion(reader: Reader, items: Items) -> dict[str, str] | None:
    from unlabeled.contract import Suggests

    if not (isinstance(reader, Suggests) and len(items)):
        return None
    recipe, why = reader.suggest(items)
    return {"recipe": recipe, "why": why}


def _look_inside(
    reader: Reader, items: Items, count: int
) -> tuple[dict[str, list[str]], dict[str, Any], list[str]]:
    """Ids of items by finding of the data checks; ranges; and items that cannot be read."""
    from unlabeled.contract import ChecksData, Glances, Measures

    found_in: dict[str, list[str]] = defaultdict(list)
    measured: dict[str, list[float]] = defaultdict(list)
    unreadable = []
    look = reader.glance if isinstance(reader, Glances) else reader.read
    step = max(1, len(items) // max(count, 1))
    for index in list(range(0, len(items), step))[:count]:
        try:
            sample = look(items[index])
        except UnreadableItem as error:
            unreadable.append(str(error))
            continue
        if isinstance(reader, ChecksData):
            for noticed in reader.check_data(sample):
                found_in[noticed].append(items[index].id)
        if isinstance(reader, Measures):
            for name, value in reader.measure(items[index]).items():
                measured[name].append(value)
    ranges = {name: _numbers(values) for name, values in measured.items()}
    return dict(found_in), ranges, unreadable


def _columns(items: Items) -> dict[str, Any]:
    """The range of numeric metadata, the commonest values of the rest."""
    from unlabeled.data.items import REQUIRED

    described: dict[str, Any] = {}
    for name in items.table.column_names[len(REQUIRED) :]:
        values = items.table[name].to_pylist()
        if all(isinstance(value, int | float) for value in values):
            described[name] = _numbers(values)
        else:
            each = chain.from_iterable(v if isinstance(v, list) else [v] for v in values)
            described[name] = commonest(Counter(map(str, each)))
    return described


def commonest(counts: Counter[str]) -> dict[str, int]:
    """The values that several items share; their number if all differ, or are too long to read."""
    found = dict(counts.most_common(SHOWN))
    if (len(counts) > 1 and max(found.values()) == 1) or max(map(len, found), default=0) > LONG:
        return {"different values": len(counts)}
    return found | ({"other values": len(counts) - SHOWN} if len(counts) > SHOWN else {})


def _numbers(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    return {"smallest": ordered[0], "median": ordered[len(ordered) // 2], "largest": ordered[-1]}


def _recipes_for(choice: Choice) -> list[str]:
    from unlabeled.recipe import load_recipe

    modality = choice.name.partition("/")[0]
    names = [
        name for name in discovery.component_names("recipes") if name.startswith(f"{modality}/")
    ]
    return [name for name in names if load_recipe(name).reader.name == choice.name]


def _print(entry: dict[str, Any]) -> None:
    out = console()
    out.print(f"{entry['path']}, read by {entry['reader']}: {entry['account'][0]}")
    for line in entry["account"][1:]:
        out.print(line)
    columns = {"size": entry["size"], **entry["metadata"], **entry["measured"]}
    for key, value in columns.items():
        lines = (
            f"{name} {count:.6g}" if isinstance(count, float) else f"{name} {count}"
            for name, count in value.items()
        )
        out.print(f"  {key}: {', '.join(lines)}")
    some = "; ".join(f"{group} (as {item})" for group, item in entry["some_groups"].items())
    out.print(f"  groups: {entry['groups'] or 'none'}{some and f', such as {some}'}")
    for key, value in entry["facts"].items():
        many = isinstance(value, list | tuple) and len(value) > MOST_VALUES
        out.print(f"  {key}: {f'{len(value):,} values' if many else value}")
    for note in entry["notes"]:
        out.print(f"  note: {note}")
    for noticed, count in sorted(entry["data_checks"].items()):
        some = ", ".join(entry["found_in"][noticed])
        out.print(f"  {noticed}: {count} of {entry['read']} items read, such as {some}")
    broken = [*entry["quarantined"], *entry["unreadable"]]
    if broken:
        out.print(
            f"  cannot be used: {len(entry['quarantined'])} beside these, "
            f"and {len(entry['unreadable'])} of {entry['read']} items read"
        )
        for line in broken[:SHOWN]:
            out.print(f"    {line}")
        if len(broken) > SHOWN:
            out.print(f"    and {len(broken) - SHOWN} more; --json lists all")
    if entry["recipes"]:
        out.print(f"  recipes: {', '.join(entry['recipes'])}")
    if suggested := entry["suggested"]:
        out.print(f"  suggested: {suggested['recipe']}, {suggested['why']}")
