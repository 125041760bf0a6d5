from unlabeled import progress as module
from unlabeled.progress import progress


def test_where_no_terminal_is_lines_tell_how_far_it_is(monkeypatch, capsys):
    clock = iter([0.0, 4.0, 11.0, 12.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("embedding", 30) as advance:
        for _ in range(3):
            advance(10)
    printed = capsys.readouterr()
    assert printed.err == "embedding: 20 of 30 items\n"
    assert printed.out == ""
