import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unlabeled_graph.readers.hold_out import HoldOut

USER = np.array([0, 0, 0, 1, 1, 2])
TIME = np.array([1.0, 3, 3, 5, 5, 2])
MARKED = np.array([True, False, False, False, True, False])


def test_the_last_moment_of_a_user_is_held_out_unless_it_is_the_only_one():
    held = HoldOut(by="last").held(USER, TIME, MARKED)
    assert held.tolist() == [False, True, True, False, False, False]


def test_marks_are_taken_as_given():
    assert HoldOut().held(USER, TIME, MARKED).tolist() == MARKED.tolist()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.floats(0.05, 0.95))
def test_by_time_all_that_is_held_out_is_later_and_no_more_than_the_share(times, share):
    time = np.array(times, float)
    held = HoldOut(by="time", share=share).held(np.zeros(len(time), int), time, time > 99)
    assert held.sum() <= np.ceil(share * len(time))
    assert not held.all()
    if held.any():
        assert time[held].min() > time[~held].max()


def test_a_share_of_all_is_refused():
    with pytest.raises(ValidationError, match="less than 1"):
        HoldOut(by="time", share=1.0)
