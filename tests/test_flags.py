"""Every flag that a message, a docstring or a page mentions exists."""

from __future__ import annotations

import re
from pathlib import Path

from unlabeled.cli.main import COMMANDS, build_app
from unlabeled.recipe import SECTIONS

ROOT = Path(__file__).parent.parent
ROOMS = ("*.md", "docs/*.md", "core/[A-Z]*.md", "plugins/*/*.md", "core/src", "plugins/*/src")
FOUND = [each for room in ROOMS for each in sorted(ROOT.glob(room))]
PAGES = [
    file
    for found in FOUND
    for file in ([found] if found.is_file() else sorted(found.rglob("*")))
    if file.suffix in (".md", ".py", ".yaml", ".tmpl")
]
FLAG = re.compile(r"(?<![\w-])--([a-z](?:[a-z_-]*[a-z])?(?:\.[a-z_.-]*[a-z])?)(?![\w-])")
OF_OTHERS = {
    *("help", "version", "debug"),
    *("force-reinstall", "upgrade", "no-deps", "no-build-isolation"),
    *(
        "ntasks",
        "nproc-per-node",
        "standalone",
        "nnodes",
        "bundle_root",
        "dataset_dir",
        "meta_file",
        "config_file",
    ),
}
"""Of every command, of pip, torchrun and SLURM, and MONAI."""


def known() -> set[str]:
    """Of the commands, and of scripts that read their own."""
    app, flags = build_app(), set(OF_OTHERS)
    for script in sorted(ROOT.glob("plugins/*/**/*.py")):
        flags |= set(re.findall(r'add_argument\(\s*"--([\w-]+)"', script.read_text("utf-8")))
    for name in COMMANDS:
        for argument in app[name].assemble_argument_collection():
            flags |= {each.removeprefix("--") for each in argument.names if each.startswith("--")}
    return flags


def test_every_flag_that_is_mentioned_exists():
    flags = known()
    unknown = {
        f"{file.relative_to(ROOT)}: --{flag}"
        for file in PAGES
        for flag in FLAG.findall(file.read_text("utf-8"))
        if flag.partition(".")[0] not in ((*SECTIONS, "section") if "." in flag else flags)
    }
    assert not unknown, sorted(unknown)
