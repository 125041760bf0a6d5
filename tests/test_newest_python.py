"""Which other Python `.ci/run` tests on."""

import sys

import newest_python


def python(folder, name, version):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {version}\n")
    file.chmod(0o755)
    return file


def machine(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(sys, "version_info", (3, 90, 0))


def test_the_newest_of_path_and_pyenv(tmp_path, monkeypatch):
    machine(monkeypatch, tmp_path)
    python(tmp_path / "bin", "python3.91", "3 91 2")
    best = python(tmp_path / "pyenv" / "versions" / "3.92.0" / "bin", "python", "3 92 0")
    python(tmp_path / "pyenv" / "versions" / "3.93.0" / "bin", "python", "not there")
    assert newest_python.newest() == best


def test_another_patch_of_the_same_version_is_none(tmp_path, monkeypatch):
    machine(monkeypatch, tmp_path)
    python(tmp_path / "bin", "python3.90", "3 90 7")
    assert newest_python.newest() is None
