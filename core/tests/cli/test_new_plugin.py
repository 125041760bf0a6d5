"""What `unlabeled new-plugin` writes, and what it refuses; the packages are run in tests/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import unlabeled
from unlabeled.cli.main import run
from unlabeled.cli.new_plugin import KINDS

TEMPLATES = Path(unlabeled.__file__).parent / "template"


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_written_without_a_placeholder_left(kind, tmp_path, capsys):
    folder = tmp_path / "new"
    assert run(["new-plugin", "sonar", "--for", kind, "--out", str(folder)]) == 0
    names = KINDS[kind]
    package = folder / "src" / "unlabeled_sonar"
    for part in (
        f"readers/{names.reader}.py",
        f"augmentations/{names.augmentation}.py",
        f"encoders/{names.encoder}.py",
        f"pretexts/{names.pretext}.py",
        f"baselines/{names.baseline}.py",
        "evaluators/nearest_centroid.py",
        f"recipes/{names.pretext}.yaml",
        "recipes/vicreg.yaml",
    ):
        assert (package / part).is_file(), part
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in files if "$" in file.read_text(encoding="utf-8")]
    assert "unlabeled check sonar" in capsys.readouterr().out


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_formatted_and_linted(kind, tmp_path):
    folder = tmp_path / "new"
    assert run(["new-plugin", "sonar", "--for", kind, "--out", str(folder)]) == 0
    for command in (["check", "--select", "E,F,W,I,N,UP,B,RUF,PT"], ["format", "--check"]):
        settings = ["--isolated", "--line-length", "100", "--target-version", "py311"]
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings, str(folder)],
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout


def test_the_templates_are_complete():
    """Every folder belongs to a kind, and every file is a template."""
    folders = {folder.name for folder in TEMPLATES.iterdir()}
    assert folders == {"shared", *KINDS}
    assert all(file.suffix == ".tmpl" for file in TEMPLATES.rglob("*") if file.is_file())


def test_another_kind_is_refused_with_those_that_there_are(tmp_path, capsys):
    out = str(tmp_path / "new")
    assert run(["new-plugin", "sonar", "--for", "videos", "--out", out]) == 2
    message = capsys.readouterr().err
    assert all(kind in message for kind in KINDS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["Sonar", "so-nar", "2d", "class", "", "a/b"])
def test_a_name_that_no_plugin_can_have_is_refused(name, tmp_path, capsys):
    assert run(["new-plugin", "--name", name, "--out", str(tmp_path / "new")]) == 2
    assert "such as sonar" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_an_installed_name_and_a_folder_that_exists_are_refused(tmp_path, capsys):
    assert run(["new-plugin", "audio", "--out", str(tmp_path / "new")]) == 2
    assert "unlabeled-audio" in capsys.readouterr().err
    (tmp_path / "taken").mkdir()
    assert run(["new-plugin", "sonar", "--out", str(tmp_path / "taken")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]
