"""The house: sizes, names and docstrings that every package keeps (`figures.py` prints more)."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import figures
import pytest

from unlabeled.plugin import KINDS

ROOT = Path(__file__).parent.parent
PACKAGES = [ROOT / "core", *sorted(path for path in (ROOT / "plugins").iterdir() if path.is_dir())]
SOURCES = [file for package in PACKAGES for file in sorted((package / "src").rglob("*.py"))]
EVERYTHING = [
    file
    for folder in ("core", "plugins", "tests", "docs")
    for file in sorted((ROOT / folder).rglob("*"))
    if file.suffix in (".py", ".yaml", ".tmpl", ".toml")
]


FOR_USERS = {
    "read_official_ssast": "weights of the authors, to start from",
    "to_official": "weights that were trained here, in the layout of the authors' code",
    "SizeProtocol": "an evaluation of encoders by hand, on images of other sizes",
}
"""What nothing here calls, and why it stays."""


@cache
def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def test_no_module_is_over_400_lines():
    long = {str(file): n for file in SOURCES if (n := len(file.read_text().splitlines())) > 400}
    assert not long


def test_a_name_says_what_is_in_a_module():
    empty = ("utils", "util", "helpers", "helper", "common", "base", "misc")
    assert not [file for file in EVERYTHING if file.stem in empty]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_results_of_benchmarks_do_not_say_where_they_were_made(package):
    files = sorted((package / "benchmarks" / "results").glob("*.json"))
    assert not [file for file in files if re.search(r"[\s\"]/\w+/", file.read_text("utf-8"))]


@pytest.mark.parametrize("package", PACKAGES[1:], ids=lambda package: package.name)
def test_who_knows_one_plugin_knows_all(package):
    home = package / "src" / f"unlabeled_{package.name}"
    assert (home / "plugin.py").is_file()
    assert (home / "synthetic.py").is_file()
    folders = {path.name for path in home.iterdir() if path.is_dir()} - {"__pycache__"}
    assert {"readers", "augmentations", "encoders", "pretexts", "baselines", "recipes"} <= folders
    assert folders - set(KINDS) <= {"export", "outputs"}
    for name in ("README.md", "CHANGELOG.md", "pyproject.toml"):
        assert (package / name).is_file()


def test_every_argument_has_a_type():
    functions = [n for f in SOURCES for n in ast.walk(tree(f)) if isinstance(n, figures.FUNCTIONS)]
    assert figures.typed(functions) == 1


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_public_functions_on_arrays_give_shapes(package):
    """As (N, D) or in words, in every docstring where a tensor or an array crosses."""
    files = [file for file in SOURCES if file.is_relative_to(package)]
    silent = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in files
        for node in ast.walk(tree(file))
        if figures.takes_arrays(node) and not figures.gives_shape(node)
    ]
    assert not silent


def test_capabilities_are_classes_and_no_protocols():
    """Since Python 3.12 `isinstance` of a protocol does not see the submodules of a module."""
    checked = "runtime_" + "checkable"
    assert not [str(file) for file in EVERYTHING if checked in file.read_text("utf-8")]


def test_nothing_is_defined_that_only_tests_use():
    """Functions and classes of modules, by name: in sources, recipes, documents or benchmarks."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    users = [file for file in [*EVERYTHING, *documents] if "tests" not in file.parts]
    times = Counter(re.findall(r"\w+", "\n".join(map(Path.read_text, users))))
    defined = [
        (file, node.name)
        for file in SOURCES
        for node in tree(file).body
        if isinstance(node, figures.FUNCTIONS | ast.ClassDef) and node.name != "__getattr__"
    ]
    unused = {name for _, name in defined if times[name] < 2}
    assert unused <= FOR_USERS.keys()


def test_the_map_of_the_tree_is_true():
    """Every path that CONTRIBUTING names is there."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:core|plugins|docs|tests)/[\w./]+)`", text)
    assert len(paths) > 12
    assert not [path for path in paths if not (ROOT / path).exists()]
