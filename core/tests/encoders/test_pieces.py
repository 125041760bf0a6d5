import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.data.vocabulary import SPECIAL, train_pieces
from unlabeled.encoders.pieces import Tokenizer
from unlabeled.errors import RecipeError

PIECES = (*SPECIAL, "lung", "##s", "lu", "no", ",", "n", "##o", "##ng", "o")


def test_the_longest_piece_first_and_unknown_words_as_a_whole():
    tokens = Tokenizer(PIECES, "pieces")
    found = [PIECES[n] for n in tokens(["lungs, no", "lux lung"])]
    assert found == ["lung", "##s", ",", "no", "[SEP]", "[UNK]", "lung"]


def test_characters_are_tokens_each():
    tokens = Tokenizer((*SPECIAL, "A", "K"), "characters")
    assert tokens(["AKX", "K"]).tolist() == [4, 5, 1, 3, 5]


def test_nothing_is_one_token_of_padding():
    assert Tokenizer(PIECES, "pieces")([""]).tolist() == [0]


def test_long_words_are_unknown():
    assert Tokenizer(PIECES, "pieces")(["lung" + "s" * 100]).tolist() == [1]


def test_copies_read_alike():
    tokens = Tokenizer(PIECES, "pieces")
    for other in (pickle.loads(pickle.dumps(tokens)), copy.deepcopy(tokens)):
        assert other(["lungs no"]).tolist() == tokens(["lungs no"]).tolist()


@pytest.mark.parametrize("wrong", [("lung",), (*PIECES, "lung"), PIECES[1:]])
def test_another_vocabulary_is_refused(wrong):
    with pytest.raises(RecipeError, match=r"encoder\.vocabulary: expected different tokens"):
        Tokenizer(wrong, "pieces")


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("tokenizers", reason="needs the extra text")
    from tokenizers import Tokenizer as Theirs
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer

    words = ["abba", "baab", "cab", "bacca", "abc", "cabba,", "bb.", "c"]
    vocabulary = train_pieces([("", " ".join(words))], 30)
    numbers = {token: number for number, token in enumerate(vocabulary)}
    theirs = Theirs(WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100))
    theirs.pre_tokenizer = BertPreTokenizer()
    return vocabulary, theirs


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="abcd ,.", max_size=40))
def test_equals_the_library(library, text):
    vocabulary, theirs = library
    ours = Tokenizer(vocabulary, "pieces")([text]).tolist()
    assert ours == (theirs.encode(text).ids or [0])
