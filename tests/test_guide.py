"""The guide for plugin authors: every code block of its pages runs, in one folder, in order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
START = DOCS / "plugin-authors.md"
PAGES = ("data", "encoders", "methods", "evaluation")
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the first page has made a plugin and a run."""
    made = tmp_path_factory.mktemp("guide")
    output = _follow(START, made)
    assert "120 items" in output
    assert "motion/moments" in output
    return made


def test_the_first_page_makes_a_plugin_and_a_run(folder):
    assert (folder / "runs" / "ecg" / "encoder" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("data", "20 items read, 5 files left out"),
        ("encoders", "tensor([40, 70])"),
        ("methods", "NextStep"),
        ("evaluation", "'items': 120"),
    ],
)
def test_every_block_of_a_page_runs(folder, page, printed):
    assert printed in _follow(DOCS / "plugin-authors" / f"{page}.md", folder)


def test_the_example_of_an_assessment_works_in_evaluate(folder):
    """Its code is put where the page says, and the manifest names it."""
    text = (DOCS / "plugin-authors" / "evaluation.md").read_text(encoding="utf-8")
    [code] = [code for _, code in BLOCK.findall(text) if "class Retrieval" in code]
    package = folder / "site" / "unlabeled_motion"
    (package / "assessments").mkdir()
    (package / "assessments" / "retrieval.py").write_text(code, encoding="utf-8")
    manifest = (package / "plugin.py").read_text(encoding="utf-8")
    entry = 'assessments={"retrieval": Component(f"{P}.assessments.retrieval:Retrieval", "n")},'
    changed = manifest.replace("    evaluators=", f"    {entry}\n    evaluators=")
    (package / "plugin.py").write_text(changed, encoding="utf-8")
    asked = "unlabeled evaluate runs/ecg ecg --labels ecg/labels.csv --assess motion/retrieval"
    output = _run(_command(shlex.split(asked), folder), folder)
    assert "precision@5" in output
    assert "motion/moments" in output


def test_every_page_is_listed_on_the_first():
    text = START.read_text(encoding="utf-8")
    assert sorted(PAGES) == sorted(page.stem for page in (DOCS / "plugin-authors").glob("*.md"))
    assert all(f"(plugin-authors/{page}.md)" in text for page in PAGES)


def _follow(page: Path, folder: Path) -> str:
    """Run the blocks of a page; neighbouring Python blocks are one program. What they print."""
    output, pending = [], ""
    for kind, code in [*BLOCK.findall(page.read_text(encoding="utf-8")), ("", "")]:
        if kind == "python":
            pending += code
            continue
        if pending:
            output.append(_run(["-c", pending], folder))
            pending = ""
        output += _shell(code, folder)
    return "\n".join(output)


def _shell(code: str, folder: Path) -> list[str]:
    """`check` is left to `test_new_plugin.py`, which asks the same plugin."""
    lines = [line for line in code.splitlines() if not line.startswith("unlabeled check")]
    return [_run(_command(shlex.split(line), folder), folder) for line in lines]


def _command(words: list[str], folder: Path) -> list[str]:
    """Arguments of this Python; what the guide installs for good, a test installs beside itself."""
    if words[0] == "unlabeled":
        return ["-c", "from unlabeled.cli.main import main; main()", *words[1:]]
    arguments = [word for word in words[1:] if word != "-e"]
    return ["-m", "pip", "-q", *arguments, "--no-index", "--target", str(folder / "site")]


def _run(arguments: list[str], folder: Path) -> str:
    paths = [str(folder / "site"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, f"{arguments}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
