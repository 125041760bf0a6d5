import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlabeled.errors import DataError
from unlabeled_graph.readers.hold_out import HoldOut
from unlabeled_graph.readers.interaction_log import build_log
from unlabeled_graph.readers.interaction_tables import RowRules


def write(folder, *tables):
    files = [folder / f"{number}.csv" for number in range(len(tables))]
    for file, text in zip(files, tables, strict=True):
        file.write_text(text)
    return files


def training(log):
    return {
        (log.users[u], log.items[i])
        for u, i in zip(log.training.user, log.training.item, strict=True)
    }


def held_out(log):
    return {(log.users[u], log.items[i]) for u, i in log.held_out.T}


def test_several_tables_are_one_graph_and_what_repeats_is_counted(tmp_path):
    files = write(tmp_path, "user,item\nb,y\na,x\nb,y\n", "user,item\na,x\na,z\n", "x,y\n1,2\n")
    log = build_log(RowRules(), files)
    assert training(log) == {("b", "y"), ("a", "x"), ("a", "z")}
    assert (log.users.tolist(), log.items.tolist()) == (["a", "b"], ["x", "y", "z"])
    assert (log.files, log.lacking) == (tuple(files[:2]), (files[2],))
    assert list(log.notes) == ["2 rows of a pair that stands before, merged."]


def test_the_order_of_rows_and_tables_changes_nothing(tmp_path):
    rows = ["b,y", "a,x", "b,x", "c,z"]
    one = build_log(RowRules(), write(tmp_path, "\n".join(["user,item", *rows])))
    other = build_log(RowRules(), write(tmp_path, *("user,item\n" + row for row in reversed(rows))))
    assert one.training.digest == other.training.digest
    more = build_log(RowRules(), write(tmp_path, "\n".join(["user,item", *rows, "c,x"])))
    assert more.training.digest != one.training.digest


def test_what_is_bought_again_later_is_no_test_and_cold_ones_are_counted(tmp_path):
    text = "user,item,t\na,x,1\na,y,2\nb,x,3\nb,y,4\na,x,9\nb,z,9\nc,x,9\na,z,9\n"
    rules = RowRules(time="t", hold_out=HoldOut(by="time", share=0.5))
    log = build_log(rules, write(tmp_path, text))
    assert training(log) == {("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")}
    assert held_out(log) == set()
    assert "3 interactions held out, but of users or items without any in training" in log.notes[-1]


def test_a_pair_marked_both_ways_is_training(tmp_path):
    text = "user,item,split\na,x,test\na,x,train\na,y,train\nb,x,train\nb,y,test\n"
    log = build_log(RowRules(), write(tmp_path, text))
    assert held_out(log) == {("b", "y")}
    assert "1 pair marked both train and test, taken as training." in log.notes
    assert "1 interaction of 1 user held out of training" in log.notes[-1]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 9)), min_size=2, max_size=40
    ),
    st.sampled_from(["last", "time"]),
)
def test_nothing_is_both_trained_on_and_tested(tmp_path_factory, rows, by):
    text = "\n".join(["user,item,t", *(f"{u},{i},{t}" for u, i, t in rows)])
    rules = RowRules(time="t", hold_out=HoldOut(by=by))
    log = build_log(rules, write(tmp_path_factory.mktemp("log"), text))
    earliest = {}
    for u, i, t in rows:
        earliest[str(u), str(i)] = min(t, earliest.get((str(u), str(i)), t))
    assert not training(log) & held_out(log)
    assert training(log) | held_out(log) <= earliest.keys()
    for user, item in held_out(log):
        own = [earliest[pair] for pair in training(log) if pair[0] == user]
        assert own
        if by == "last":
            assert earliest[user, item] > max(own)
        else:
            assert earliest[user, item] > max(earliest[pair] for pair in training(log))
    assert np.array_equal(np.unique(log.training.user), np.arange(log.training.users))
    assert np.array_equal(np.unique(log.training.item), np.arange(log.training.items))


def test_what_cannot_be_one_log_is_refused(tmp_path):
    late = RowRules(time="t", hold_out=HoldOut(by="time"))
    files = write(tmp_path, "user,item,t\na,x,1\n", "user,item,t\na,y,2000-01-01\n")
    with pytest.raises(DataError, match=r"1\.csv has dates as its time and 0\.csv numbers"):
        build_log(late, files)
    with pytest.raises(DataError, match="nothing is left to train"):
        build_log(RowRules(), write(tmp_path, "user,item,split\na,x,test\n"))
    with pytest.raises(DataError, match=r"hold_out\.test: no table fits"):
        build_log(RowRules(hold_out=HoldOut(test="t*")), write(tmp_path, "user,item\na,x\n"))
