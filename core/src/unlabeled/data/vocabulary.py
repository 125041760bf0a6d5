"""Vocabularies of texts: pieces of words, trained by the `tokenizers` library, or characters.

Data about people: the vocabulary is exported with the encoder, so it contains only words that occur
in texts of several groups (patients, authors), and pieces are made of such words only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from importlib.util import find_spec

from unlabeled.errors import DataError, UsageError

PAD, UNKNOWN, MASK, SEPARATOR = "[PAD]", "[UNK]", "[MASK]", "[SEP]"
SPECIAL = (PAD, UNKNOWN, MASK, SEPARATOR)
"""The first tokens of every vocabulary, in this order."""
INSIDE = "##"
"""The prefix of a piece inside a word."""
LARGEST = 100_000
"""Tokens of a vocabulary: some 2 MB of JSON beside the encoder."""
LONGEST = 100
"""Characters of a word, as in BERT; a longer one is unknown."""
WORDS = 1_000_000
"""Different words that are counted at a time; beyond that the rarest ones are dropped."""

_WORD = re.compile(r"\w+|[^\w\s]")


def words_of(text: str) -> list[str]:
    """Words, and each punctuation mark as a word of its own."""
    return _WORD.findall(text)


def train_pieces(texts: Iterable[tuple[str, str]], size: int, groups: int = 1) -> tuple[str, ...]:
    """Pieces that make up the words of `texts`, the same on every call.

    texts: pairs of a group and a text; size: how many pieces, but not fewer than there are
    characters; groups: in how many different ones a word must occur. Memory is bounded by `WORDS`.
    Needs the extra `text`. Raises UsageError without it, DataError if no word is common enough.
    """
    if find_spec("tokenizers") is None:
        raise UsageError('vocabularies of pieces need tokenizers: pip install "unlabeled[text]"')
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from tokenizers.trainers import WordPieceTrainer

    split = ((group, [w for w in words_of(text) if len(w) <= LONGEST]) for group, text in texts)
    counts = _common(split, groups, "word")
    tokenizer = Tokenizer(WordPiece(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    trainer = WordPieceTrainer(
        vocab_size=size,
        # The alphabet fixes the numbers of characters, which the library otherwise takes in the
        # order of a hash map. Of equally frequent pairs it joins those of smaller numbers first.
        special_tokens=[*SPECIAL, *_alphabet(counts)],
        continuing_subword_prefix=INSIDE,
        show_progress=False,
    )
    tokenizer.train_from_iterator(([word] * counts[word] for word in sorted(counts)), trainer)
    numbers = tokenizer.get_vocab()
    return tuple(sorted(numbers, key=lambda token: numbers[token]))


def characters_of(texts: Iterable[tuple[str, str]], groups: int = 1) -> tuple[str, ...]:
    """The characters of `texts` that occur in `groups` different groups or more, in their order.

    texts: pairs of a group and a text. Raises DataError if no character is common enough.
    """
    counts = _common(((group, list(text)) for group, text in texts), groups, "character")
    return (*SPECIAL, *sorted(counts))


def _alphabet(words: Iterable[str]) -> list[str]:
    """The pieces of one character: those that begin a word, and those that do not."""
    letters = {letter for word in words for letter in word}
    inside = {INSIDE + letter for word in words for letter in word[1:]}
    return [*sorted(letters), *sorted(inside)]


def _common(units: Iterable[tuple[str, list[str]]], groups: int, unit: str) -> dict[str, int]:
    """How often each unit occurs, of those in `groups` groups or more."""
    counts: Counter[str] = Counter()
    seen: dict[str, set[str]] = {}
    for group, found in units:
        for each in found:
            counts[each] += 1
            known = seen.setdefault(each, set())
            if len(known) < groups:
                known.add(group)
        if len(counts) > WORDS:
            _forget_rarest(counts, seen)
    kept = {each: counts[each] for each, known in seen.items() if len(known) >= groups}
    if not kept:
        raise DataError(
            f"expected texts in which a {unit} occurs in {groups} groups or more, found "
            f"{len(counts)} different ones and none of them"
        )
    return kept


def _forget_rarest(counts: Counter[str], seen: dict[str, set[str]]) -> None:
    """Reduce to half of `WORDS` or fewer; equally frequent words all stay or all go."""
    most = sorted(counts.values())[len(counts) - WORDS // 2 - 1]
    for each in [each for each, count in counts.items() if count <= most]:
        del counts[each], seen[each]
