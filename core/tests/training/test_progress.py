"""Lines in a file, a bar on a terminal, nothing when asked to be quiet."""

import io

import pytest
from rich.console import Console

from unlabeled.training import progress
from unlabeled.training.progress import display

HEALTHY = {"health_feature_std": 0.8, "health_effective_rank": 3.0, "health_collapsed": False}
FURTHER = {"health_alpha_req": 1.5}


def row(step, **more):
    return {"step": step, "loss": 1 / step, "loss_part": 0.25, "timing_step": 0.1, **more}


def show(monkeypatch, *, terminal, quiet=False):
    """What is written for 100 steps, health at step 40."""
    text = io.StringIO()

    def console():
        return Console(file=text, highlight=False, soft_wrap=True, force_terminal=terminal)

    monkeypatch.setattr(progress, "stderr", console)
    monkeypatch.setenv("COLUMNS", "200")
    with display(100, 0, quiet=quiet) as shown:
        shown.note("3 files [look] like label maps")
        for step in range(1, 101):
            shown.row(row(step, **(HEALTHY | FURTHER if step == 40 else {})), items=5)
    return text.getvalue()


def test_lines_come_first_last_and_with_health(monkeypatch):
    lines = show(monkeypatch, terminal=False).splitlines()
    assert lines[0] == "3 files [look] like label maps"
    assert [line.split()[1] for line in lines[1:]] == ["1/100", "40/100", "100/100"]
    assert "loss 1  loss_part 0.25" in lines[1]
    assert "feature_std 0.8  effective_rank 3  50 items/s" in lines[2]
    assert "50 items/s" in lines[3]
    assert lines[2].endswith("0:00:06 left")


def test_lines_come_as_time_passes(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    assert len(show(monkeypatch, terminal=False).splitlines()) == 101


def test_a_terminal_shows_a_bar_with_all_of_it(monkeypatch):
    text = show(monkeypatch, terminal=True)
    assert "3 files [look] like label maps" in text
    for part in ("100/100", "50 items/s", "loss 0.01", "effective_rank 3"):
        assert part in text


def test_quiet_is_quiet(monkeypatch):
    assert show(monkeypatch, terminal=True, quiet=True) == ""


def test_the_output_stream_is_left_alone(capsys):
    with display(1, 0, quiet=False) as shown:
        shown.note("hello")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (3725.4, "1:02:05")])
def test_clock(seconds, text):
    assert progress._clock(seconds) == text
