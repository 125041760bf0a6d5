import subprocess
import sys

import pytest

from unlabeled.data import vocabulary as module
from unlabeled.data.vocabulary import SPECIAL, characters_of, train_pieces, words_of
from unlabeled.errors import DataError, UsageError

WORDS = ("lungs", "lung", "lobes", "lobe", "clear", "cleared", "clearly", "opacity")
WORDS += ("opacities", "effusion", "fusion")
TEXTS = [(f"p{n % 7}", f"{WORDS[n % 11]} {WORDS[n * 3 % 11]}, {n % 5}.") for n in range(80)]


def trained(*arguments, **named):
    pytest.importorskip("tokenizers", reason="needs the extra text")
    return train_pieces(*arguments, **named)


def test_words_and_marks_are_told_apart():
    assert words_of("T2, 3.5 cm: no-one") == ["T2", ",", "3", ".", "5", "cm", ":", "no", "-", "one"]


def test_frequent_words_become_pieces_and_special_tokens_come_first():
    found = trained(TEXTS, 60)
    assert found[:4] == SPECIAL
    assert len(found) == len(set(found)) == 60
    assert {"lung", "clear", "##s", "l"} <= set(found)


def test_another_process_and_another_order_of_texts_train_the_same():
    """The library numbers the alphabet in the order of a hash map, so ties fall as they may."""
    first = trained(TEXTS, 60)
    assert all(trained(iter(TEXTS[::-1]), 60) == first for _ in range(5))
    code = f"from unlabeled.data.vocabulary import *; print(*train_pieces({TEXTS!r}, 60))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split()) == first


def test_a_word_of_one_person_is_no_part_of_a_vocabulary():
    """However often it stands in the texts, and in no pieces."""
    named = [*TEXTS, *[("p3", "wolkenstein zq")] * 50]
    assert trained(named, 60, groups=2) == trained(TEXTS, 60, groups=2)
    assert not {"w", "k", "z", "##z"} & set(trained(named, 60, groups=2))
    assert "z" not in characters_of(named, 2)
    assert "z" in characters_of(named)


def test_memory_is_bounded_and_common_words_stay(monkeypatch):
    monkeypatch.setattr(module, "WORDS", 40)
    rare = [("p1", f"word{n:04d}") for n in range(500)]
    counts = module._common(((g, words_of(t)) for g, t in [*TEXTS, *rare]), 1, "word")
    assert len(counts) <= 60
    assert set(WORDS) <= set(counts)


def test_characters_need_no_training():
    assert characters_of([("a", "MKVA"), ("b", "AK")]) == (*SPECIAL, "A", "K", "M", "V")


def test_nothing_common_enough_says_so():
    with pytest.raises(DataError, match="in which a character occurs in 3 groups or more"):
        characters_of([("a", "xx"), ("b", "xy")], 3)


def test_a_missing_extra_names_the_command(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install \"unlabeled\[text\]\""):
        train_pieces(TEXTS, 60)
