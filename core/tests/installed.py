"""Pretend that a distribution is installed: a `.dist-info` folder and a module on the path."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent


def install(
    site: Path,
    name: str,
    *,
    entry_points: dict[str, str],
    modules: dict[str, str],
    requires: tuple[str, ...] = (),
    version: str = "1.0",
) -> None:
    """Write a distribution into `site`. modules: source text by module name."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    points = "\n".join(f"{key} = {value}" for key, value in entry_points.items())
    (info / "entry_points.txt").write_text(f"[unlabeled.plugins]\n{points}\n")
    for module, source in modules.items():
        (site / f"{module}.py").write_text(dedent(source))


MANIFEST = """
    from unlabeled.plugin import Component, Plugin

    plugin = Plugin(
        api={api},
        modality="{modality}",
        summary="for a test",
        readers={{"there": Component("{module}:Reader", "a reader")}},
        encoders={{"missing": Component("{module}:nothing_of_that_name", "does not exist")}},
        recipes={{"gone": Component("{module}:recipes/gone.yaml", "not in the wheel")}},
    )

    class Reader: ...
"""


def install_plugin(
    site: Path, modality: str, *, api: int = 1, name: str = "", requires: tuple[str, ...] = ()
) -> None:
    """A small plugin whose manifest is in order, unless `api` or `requires` is not."""
    name = name or f"unlabeled-{modality}"
    module = name.replace("-", "_") + "_module"
    source = MANIFEST.format(api=api, modality=modality, module=module)
    install(
        site,
        name,
        entry_points={modality: f"{module}:plugin"},
        modules={module: source},
        requires=requires,
    )
