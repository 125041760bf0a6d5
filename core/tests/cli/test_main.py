"""What a user sees when something is wrong: one message, an exit code, no traceback."""

from __future__ import annotations

import errno
import json
import sys
import types
from pathlib import Path

import pytest
from unlabeled_tides.plugin import plugin as tides
from unlabeled_tides.synthetic import write

from unlabeled import discovery
from unlabeled.cli import main
from unlabeled.errors import DataError, PluginError, RunError
from unlabeled.plugin import Component, Plugin


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    found = discovery.Found("tides", "unlabeled-tides", "0.3.0", plugin=tides)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, count=6, seed=0)
    return folder


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("pluginz", 2, "Unknown command"),
        ("plugins --jsn", 2, "Did you mean --json?"),
        ("pretrain", 2, "RECIPE and DATA and --out missing"),
        ("pretrain tides/next_level DATA --out RUN --ephocs 3", 2, "Did you mean --epochs?"),
        ("pretrain tides/nxt_level DATA --out RUN", 4, "Did you mean tides/next_level?"),
        ("pretrain tidse/next_level DATA --out RUN", 4, "Did you mean tides?"),
        ("pretrain tides/next_level DATA --out RUN --steps many", 2, "expected a whole number"),
        ("pretrain tides/next_level DATA --out RUN --encoder.width -1", 2, "more than 0"),
        ("pretrain tides/next_level NOWHERE --out RUN", 3, "NOWHERE"),
        ("pretrain --resume NOWHERE", 5, "NOWHERE"),
        ("pretrain --resume NOWHERE --epochs 3", 2, "takes no other setting"),
        ("inspect tides EMPTY", 3, "expected a folder with gauge files"),
        ("describe tides/recurent", 4, "Did you mean tides/recurrent?"),
        ("embed NOWHERE DATA --out vectors.parquet", 5, "NOWHERE"),
    ],
)
def test_one_clear_message(command, code, message, data, tmp_path, capsys):
    (tmp_path / "EMPTY").mkdir()
    places = {name: str(tmp_path / name) for name in ("RUN", "NOWHERE", "EMPTY")}
    words = [{**places, "DATA": str(data)}.get(word, word) for word in command.split()]
    assert main.run(words) == code
    shown = capsys.readouterr().err
    assert message in shown
    assert "\nunlabeled: " in f"\n{shown}"
    assert "Traceback" not in shown


def test_a_mistake_of_ours_is_called_one(monkeypatch, capsys):
    monkeypatch.setattr(discovery, "discover", lambda: 1 / 0)
    assert main.run(["plugins"]) == main.OUR_MISTAKE
    assert "--debug shows where" in capsys.readouterr().err
    assert main.run(["plugins", "--debug"]) == main.OUR_MISTAKE
    assert "Traceback" in capsys.readouterr().err


def test_only_the_first_process_speaks(monkeypatch, capsys):
    def fail():
        raise RunError("in use")

    monkeypatch.setattr(discovery, "discover", fail)
    monkeypatch.setenv("RANK", "1")
    assert main.run(["plugins"]) == RunError.exit_code
    assert capsys.readouterr().err == ""


def test_an_interruption_has_its_own_exit_code(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(discovery, "discover", interrupt)
    assert main.run(["plugins"]) == main.INTERRUPTED
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plugins", "recipes", "describe tides", "inspect tides DATA"])
def test_json_is_json(command, data, capsys):
    words = [str(data) if word == "DATA" else word for word in command.split()]
    assert main.run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("plugins --jsn", 2),
        ("describe nothing", 4),
        ("inspect tides EMPTY", 3),
        ("inspect tides DATA --read -1", 2),
        ("pretrain tides/next_level DATA --out RUN --devices 0", 2),
        ("pretrain tides/next_level DATA --out RUN --devices 99999", 2),
        ("pretrain tides/next_level DATA --out RUN --nodes 2", 2),
        ("pretrain tides/next_level DATA --out RUN --accelerator tpu", 2),
        ("embed RUN DATA --out x.parquet --batch-size 0", 2),
        ("neighbours x.parquet item --count -2", 2),
    ],
)
def test_an_error_is_one_document_too(command, code, data, tmp_path, capsys):
    (tmp_path / "EMPTY").mkdir()
    places = {"DATA": str(data), "EMPTY": str(tmp_path / "EMPTY"), "RUN": str(tmp_path / "RUN")}
    words = [places.get(word, word) for word in command.split()]
    assert main.run([*words, "--json"]) == code
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert error["exit_code"] == code
    assert error["message"] in shown.err


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_other_processes_print_nothing(name, monkeypatch, capsys):
    monkeypatch.setenv(name, "1")
    assert main.run(["plugins", "--json"]) == 0
    assert main.run(["plugins"]) == 0
    assert main.run(["plugins", "--jsn"]) == 2
    assert capsys.readouterr() == ("", "")


def test_what_a_library_prints_goes_to_stderr(monkeypatch, capsys):
    def chatty():
        print("hello from a library")
        return ()

    monkeypatch.setattr(discovery, "discover", chatty)
    assert main.run(["plugins", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == []
    assert "hello from a library" in shown.err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_too_little_memory_is_not_our_mistake(error, monkeypatch, capsys):
    def fail():
        raise error

    monkeypatch.setattr(discovery, "discover", fail)
    assert main.run(["plugins"]) == 1
    assert "out of memory. A smaller --batch-size" in capsys.readouterr().err


def test_a_full_disk_is_not_our_mistake(monkeypatch, capsys):
    def fail():
        raise OSError(errno.ENOSPC, "whatever the library says", "out.parquet")

    monkeypatch.setattr(discovery, "discover", fail)
    assert main.run(["plugins"]) == 1
    assert capsys.readouterr().err == "unlabeled: out.parquet: No space left on device\n"


@pytest.mark.parametrize(
    "command", ["pretrain", "update-batch-norm", "embed", "restore", "evaluate"]
)
def test_every_command_that_reads_says_how_much_may_be_left_out(command, capsys):
    assert main.run([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert "--unreadable" in told
    assert "--max-skipped" in told


def count(path: Path):
    """Count files.

    Parameters
    ----------
    path
        A folder.
    """
    if not path.is_dir():
        raise DataError(f"{path}: no folder")
    return {"files": [file.name for file in sorted(path.iterdir())], "of": path}


@pytest.fixture
def lab(monkeypatch):
    """A plugin with a command, and one whose command cannot be imported."""
    commands = {
        "count": Component("lab_commands:count", "Count files."),
        "gone": Component("lab_commands_gone:gone", "Gone."),
    }
    plugin = Plugin(1, "lab", "a lab", commands=commands)
    module = types.ModuleType("lab_commands")
    module.count = count
    monkeypatch.setitem(sys.modules, "lab_commands", module)
    found = discovery.Found("lab", "unlabeled-lab", "1", plugin)
    monkeypatch.setattr(discovery, "discover", lambda: (found,))


def test_a_plugins_command_prints_like_the_cores(lab, tmp_path, capsys):
    (tmp_path / "a").touch()
    assert main.run(["lab", "count", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"a\nof: {tmp_path}\n"
    assert main.run(["lab", "count", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"files": ["a"], "of": str(tmp_path)}
    assert main.run(["lab", "count", str(tmp_path / "gone"), "--json"]) == DataError.exit_code
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "DataError"
    assert main.run(["lab", "gone"]) == PluginError.exit_code
    assert "lab_commands_gone" in capsys.readouterr().err
    assert main.run(["lab", "cuont", str(tmp_path)]) == 2
    assert "Did you mean count?" in capsys.readouterr().err


def test_help_lists_a_plugins_commands_without_importing_them(lab, capsys):
    assert main.run(["lab", "--help"]) == 0
    told = capsys.readouterr().out
    assert "Count files." in told
    assert "Gone." in told
