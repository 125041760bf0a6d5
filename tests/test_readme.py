"""The README tells the truth: its table is that of the manifests, its commands exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from unlabeled import discovery
from unlabeled.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
READMES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("core/README.md")),
    *ROOT.glob("plugins/*/README.md"),
]
COMMAND = re.compile(r"^\s*(?:\$ )?(unlabeled [a-z].*?)(?:\s{2,}#.*)?$", re.MULTILINE)
INLINE = re.compile(r"`(unlabeled [a-z][^`]*)`")


def test_the_table_of_methods_is_up_to_date():
    spec = importlib.util.spec_from_file_location("methods", ROOT / "docs" / "methods.py")
    assert spec is not None
    methods = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(methods)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert methods.replaced(text) == text, "run: python docs/methods.py"


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_recipe_exists(path):
    recipes = discovery.component_names("recipes")
    for line in commands(path.read_text(encoding="utf-8")):
        _, command, *arguments = shlex.split(line, comments=True)
        assert command in COMMANDS, line
        if command == "pretrain" and "/" in arguments[0] and arguments[0][0] not in ".~/":
            assert arguments[0] in recipes, line


def commands(text: str) -> list[str]:
    """Command lines of code blocks and of the running text."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    lines = [found for block in blocks for found in COMMAND.findall(block)]
    return [line.rstrip("\\ ") for line in [*lines, *INLINE.findall(text)] if "PATH" not in line]
