"""A check: one clause of the contract, applied to one component."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial


class Violation(AssertionError):
    """A component breaks a clause; the message says how."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One paragraph of the contract. hint: what a failure usually means.

    costly: its checks train, or start processes.
    """

    id: str
    title: str
    promise: str
    hint: str
    costly: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """name: "encoders/gin/alone"; run: raises `Violation`, or whatever the component raises.

    expected_failure: a written reason why the component need not keep the clause, empty if it must.
    repeated: the clause is costly, and a smaller recipe of the plugin shows it too.
    """

    name: str
    clause: Clause
    run: Callable[[], None]
    expected_failure: str = ""
    repeated: bool = False


def require(holds: object, seen: str) -> None:
    """Raise `Violation` with what was seen, unless it holds."""
    if not holds:
        raise Violation(seen)


def checks_of(
    place: str, runs: Mapping[Clause, Callable[..., None]], *subject: object
) -> Iterator[Check]:
    """One check per clause. place: "encoders/gin"; subject: the arguments of each run."""
    for clause, run in runs.items():
        yield Check(f"{place}/{clause.title}", clause, partial(run, *subject))
