"""Files that hang, take all memory or end the process do not take the page with them."""

import os
import time

import numpy as np
import pytest

from unlabeled.errors import UnreadableItem
from unlabeled.report.guarded import DIED, Failed, Limits, guarded


def hostile(job):
    if job == 1:
        raise UnreadableItem("b.wav", "a sound file", "noise")
    if job == 2:
        time.sleep(60)
    if job == 3:
        return np.ones(2**31).sum()
    if job == 4:
        os._exit(1)
    if job == 5:
        raise KeyError("strange")
    return job * 10


def test_each_kind_of_fault_is_named_and_the_others_are_done():
    limits = Limits(60, each=1.5, first=10, memory=2**30)
    began = time.monotonic()
    found = dict(guarded(hostile, range(8), limits))
    assert time.monotonic() - began < 40
    assert [found[job] for job in (0, 6, 7)] == [0, 60, 70]
    assert found[1].reason == "b.wav: expected a sound file, found noise"
    assert found[2].reason == "took longer than 1.5 s"
    assert "memory" in found[3].reason.lower() or "allocate" in found[3].reason
    assert found[4] == Failed(DIED)
    assert found[5].reason == "KeyError: 'strange'"


def test_all_together_have_a_limit_too():
    began = time.monotonic()
    found = list(guarded(lambda _: time.sleep(0.5), range(100), Limits(2.0)))
    assert time.monotonic() - began < 6
    assert 1 <= len(found) < 8


def test_results_come_in_order():
    assert list(guarded(lambda job: -job, [3, 1, 2], Limits(30))) == [(3, -3), (1, -1), (2, -2)]


@pytest.mark.parametrize("jobs", [[], range(0)])
def test_nothing_to_do(jobs):
    assert list(guarded(hostile, jobs, Limits(5))) == []
