"""The READMEs are true line by line: tables are those of the manifests, commands and settings are
understood, Python is what the package offers, files and links exist."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

import unlabeled
from unlabeled import discovery
from unlabeled.cli.main import COMMANDS, build_app
from unlabeled.cli.overrides import parse_overrides
from unlabeled.plugin import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *ROOT.glob("core/**/README.md"),
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("plugins/*/README.md"),
    *ROOT.glob("plugins/*/benchmarks/README.md"),
]
every = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#]+)(#[^)]*)?\)")
PLACEHOLDER = re.compile(r"\b(PATH|NAME|RUN|DATA|FOLDER|RECIPE|COMMAND|FILE|OUT)\b|…|\.\.\.")
"""What stands for something else: such a line shows a form, and is not a command to type."""


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def typed(page: Path) -> list[str]:
    """The lines that a reader may type: those of shell blocks, joined, and of the running text."""
    found = []
    for language, code in BLOCK.findall(text_of(page)):
        if language in ("", "sh", "bash", "console"):
            lines = code.replace("\\\n", " ").splitlines()
            found += [line.strip().removeprefix("$ ") for line in lines]
    return [*found, *INLINE.findall(BLOCK.sub("", text_of(page)))]


def words(page: Path, program: str) -> list[list[str]]:
    """The arguments of every call of a program, without comments and placeholders."""
    lines = [line for line in typed(page) if re.match(rf"{program}( |$)", line)]
    calls = [shlex.split(line, comments=True)[1:] for line in lines if not PLACEHOLDER.search(line)]
    return [call for call in calls if call]


def installed() -> list[str]:
    return [record.modality for record in discovery.discover() if record.healthy]


@every
def test_every_command_is_understood(page):
    app = build_app()
    for call in words(page, "unlabeled"):
        if call[0].startswith("-") or call == ["new-plugin"]:
            continue
        if call[0] in installed():
            assert call[1] in discovery.usable(call[0]).plugin.commands, call
            continue
        assert call[0] in COMMANDS, call
        if len(call) == 1 and call[0] not in ("plugins", "recipes"):
            continue  # the command is spoken of
        command, bound, _ = app.parse_args(call, exit_on_error=False, print_error=False)
        assert command.__name__.replace("_", "-") == call[0]
        recipe = bound.arguments.get("recipe") or ""
        if call[0] == "pretrain" and recipe.partition("/")[0] in installed():
            settings = parse_overrides(bound.arguments.get("overrides", ()))
            assert unlabeled.load_recipe(recipe, settings).name == recipe


@every
def test_every_recipe_and_component_that_is_named_exists(page):
    known = {name for kind in KINDS for name in discovery.component_names(kind)}
    named = re.compile(rf"(?<![\w/])(?:{'|'.join(installed())})/[a-z]\w*")
    for name in {n for text in INLINE.findall(text_of(page)) for n in named.findall(text)}:
        of_data = re.search(rf"UNLABELED_DATA`[^.]*{name}", text_of(page))
        assert name in known or of_data, name


@every
def test_every_make_target_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    scripts = [*ROOT.glob("core/benchmarks/*.py"), *ROOT.glob("plugins/*/benchmarks/*.py")]
    targets |= {f"bench-{script.stem.replace('_', '-')}" for script in scripts}
    for call in words(page, "make"):
        assert call[0] in targets, call


@every
def test_every_script_and_module_exists(page):
    for call in words(page, "python") + words(page, "OMP_NUM_THREADS=1 python"):
        if call[0] == "-m":
            assert importlib.util.find_spec(call[1].partition(".")[0]), call
            assert not call[1].startswith("unlabeled") or importlib.util.find_spec(call[1]), call
        elif call[0].endswith(".py"):
            assert (ROOT / call[0]).is_file() or (page.parent / call[0]).is_file(), call


@every
def test_every_link_leads_somewhere(page):
    for target, _ in LINK.findall(text_of(page)):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


@every
def test_every_path_of_this_repository_exists(page):
    """A path whose first part is a folder here, or beside the page."""
    for name in INLINE.findall(text_of(page)):
        first = name.partition("/")[0]
        if not re.fullmatch(r"[\w./-]+/[\w.*-]*", name) or PLACEHOLDER.search(name):
            continue
        for home in (ROOT, page.parent):
            if (home / first).is_dir() and first not in (".", ".."):
                places = (ROOT, page.parent)
                assert any(found for place in places for found in place.glob(name.rstrip("/"))), (
                    name
                )


@every
def test_python_is_what_the_package_offers(page):
    for language, code in BLOCK.findall(text_of(page)):
        if language == "python":
            for call in ast.walk(ast.parse(code)):
                if isinstance(call, ast.Call) and calls_us(call.func):
                    function = getattr(unlabeled, call.func.attr)
                    keywords = {keyword.arg: None for keyword in call.keywords}
                    inspect.signature(function).bind(*call.args, **keywords)
    for name in re.findall(r"`unlabeled\.(\w+)`", text_of(page)):
        module = importlib.util.find_spec(f"unlabeled.{name}")
        assert module or hasattr(unlabeled, name), name


def calls_us(function: ast.expr) -> bool:
    is_attribute = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name)
    return is_attribute and function.value.id == "unlabeled"


@every
def test_every_extra_exists(page):
    for name, extra in re.findall(r"(unlabeled[\w-]*)\[(\w+)\]", text_of(page)):
        folder = name.removeprefix("unlabeled").lstrip("-").replace("-", "_")
        package = ROOT / (f"plugins/{folder}" if folder else "core")
        assert re.search(rf"^{extra} = \[", (package / "pyproject.toml").read_text(), re.MULTILINE)


def test_the_table_of_methods_is_up_to_date():
    spec = importlib.util.spec_from_file_location("methods", ROOT / "docs" / "methods.py")
    assert spec is not None
    methods = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(methods)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert methods.replaced(text) == text, "run: python docs/methods.py"


def test_every_command_is_in_the_readme():
    shown = {call[0] for call in words(ROOT / "README.md", "unlabeled")}
    assert set(COMMANDS) - shown <= {"describe", "neighbours"}


def test_the_functions_that_python_offers_are_those_of_the_readme():
    sentence = re.search(r"From Python the same: (.*?)\.\s", text_of(ROOT / "README.md"))
    assert sentence
    named = [name.removeprefix("unlabeled.") for name in INLINE.findall(sentence.group(1))]
    assert set(named) == set(unlabeled.__all__) - {"discover"}


@cache
def demo():
    pytest.importorskip("rdkit")
    path = ROOT / "plugins" / "graph" / "benchmarks" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_demo_reads_as_many_molecules_as_the_readme_says(tmp_path):
    molecules, labels = demo().copy_molecules(tmp_path)
    items = discovery.load("readers", "graph/molecules")().index(molecules)
    measured = len(labels.read_text().splitlines()) - 1
    said = re.search(r"on ([\d,]+) molecules .* the ([\d,]+) among", text_of(ROOT / "README.md"))
    assert [int(number.replace(",", "")) for number in said.groups()] == [len(items), measured]
