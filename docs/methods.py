"""Write the table of methods, from the manifests, into README.md.

Run after a change to a manifest: python docs/methods.py. A test fails when it was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unlabeled import discovery
from unlabeled.plugin import Component

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- methods: made by docs/methods.py -->", "<!-- end of methods -->"


def recipes() -> str:
    """A Markdown table of every recipe of every plugin in this repository."""
    rows = ["| recipe | what it does | source |", "|---|---|---|"]
    for name, component in _listed("recipes"):
        state = " (experimental)" if component.experimental else ""
        rows.append(f"| `{name}` | {component.summary}{state} | {component.source} |")
    return "\n".join(rows)


def replaced(text: str) -> str:
    """README's text with the table made anew."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{recipes()}\n{END}{after}"


def _listed(kind: str) -> Iterator[tuple[str, Component]]:
    for folder in sorted((ROOT / "plugins").iterdir()):
        plugin = discovery.usable(folder.name).plugin
        assert plugin is not None
        for name, component in sorted(plugin.components(kind).items()):
            yield f"{plugin.modality}/{name}", component


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(replaced(readme.read_text(encoding="utf-8")), encoding="utf-8")
