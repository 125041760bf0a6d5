"""The guide for plugin authors, followed by the letter in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

GUIDE = Path(__file__).parent.parent / "docs" / "plugin-authors.md"
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)


def test_every_block_does_what_the_guide_says(tmp_path):
    said = [
        ran
        for kind, code in BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
        for ran in (_shell(code, tmp_path) if kind == "sh" else [_run(["-c", code], tmp_path)])
    ]
    text = "\n".join(said)
    assert "120 items" in text
    assert "motion/moments" in text
    assert (tmp_path / "runs" / "ecg" / "encoder" / "model.safetensors").is_file()


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
