"""Texts as numbers of a vocabulary: pieces of words, or single characters.

Pieces are WordPiece (Wu et al. 2016, arXiv:1609.08144; Devlin et al., BERT, NAACL 2019): of a word
the longest piece that the vocabulary holds, then the longest of what remains, which is written
with `##` before it. A vocabulary is a list of texts among the encoder's settings, so it is read
without the library that trained it (`unlabeled.data.vocabulary`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from unlabeled.data.vocabulary import (
    INSIDE,
    LONGEST,
    PAD,
    SEPARATOR,
    SPECIAL,
    UNKNOWN,
    words_of,
)
from unlabeled.errors import RecipeError

Split = Literal["pieces", "characters"]

CACHED = 1 << 16
"""Words whose pieces are kept."""


class Tokenizer:
    """Texts to numbers. Deterministic and without state, but for a bounded cache."""

    def __init__(self, vocabulary: Sequence[str], split: Split) -> None:
        """Raises RecipeError if a token stands twice or the special ones are not the first."""
        self._numbers = {token: number for number, token in enumerate(vocabulary)}
        if tuple(vocabulary[: len(SPECIAL)]) != SPECIAL or len(self._numbers) != len(vocabulary):
            raise RecipeError(
                f"encoder.vocabulary: expected different tokens, {', '.join(SPECIAL)} the first; "
                f"found {len(vocabulary)}, {len(self._numbers)} of them different"
            )
        self._split = split
        # Pure Python is fast enough with the words of a language cached.
        self._word = lru_cache(maxsize=CACHED)(self._pieces)

    def __call__(self, parts: Sequence[str]) -> np.ndarray:
        """The tokens of texts that belong together, a separator between two: (L,) int64, L > 0."""
        numbers: list[int] = []
        for place, part in enumerate(parts):
            numbers += [self._numbers[SEPARATOR]] * (place > 0)
            numbers += self._of(part)
        return np.array(numbers or [self._numbers[PAD]], dtype=np.int64)

    def __getstate__(self) -> tuple[list[str], Split]:
        return list(self._numbers), self._split  # a cache cannot go to another process

    def __setstate__(self, state: tuple[list[str], Split]) -> None:
        Tokenizer.__init__(self, *state)

    def __deepcopy__(self, memo: object) -> Tokenizer:
        return self  # a teacher's encoder reads by the same one

    def _of(self, text: str) -> Iterator[int]:
        if self._split == "characters":
            unknown = self._numbers[UNKNOWN]
            yield from (self._numbers.get(character, unknown) for character in text)
            return
        for word in words_of(text):
            yield from self._word(word)

    def _pieces(self, word: str) -> tuple[int, ...]:
        found: list[int] = []
        start = 0
        while start < len(word) <= LONGEST:
            number, start = self._longest(word, start)
            if number < 0:
                break
            found.append(number)
        # As BERT does: a word that is not all known is unknown as a whole.
        return tuple(found) if found and start == len(word) else (self._numbers[UNKNOWN],)

    def _longest(self, word: str, start: int) -> tuple[int, int]:
        """The longest piece from `start`, and where it ends; -1 if there is none."""
        for end in range(len(word), start, -1):
            number = self._numbers.get((INSIDE if start else "") + word[start:end])
            if number is not None:
                return number, end
        return -1, start
