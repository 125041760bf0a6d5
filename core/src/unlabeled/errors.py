"""All errors that users see. Standard library only.

A message carries four things: what went wrong, where, what was expected, what to do next.
The command line prints the message without a traceback and exits with `exit_code`.
"""

from __future__ import annotations


class UnlabeledError(Exception):
    """An error that the user can fix; subclasses name the kind of cause."""

    exit_code = 1


class UsageError(UnlabeledError):
    """A command, flag or argument that does not exist or does not fit."""

    exit_code = 2


class RecipeError(UnlabeledError):
    """A recipe or an override with an unknown key, a wrong type or a value out of range."""

    exit_code = 2


class DataError(UnlabeledError):
    """A path, folder, manifest or label table that cannot be used as it is."""

    exit_code = 3


class UnreadableItem(DataError):
    """One file (or one item of a file) that cannot be used.

    source: the file, as the user would name it; expected and found: short phrases.
    Raised by `Reader.read` (and recorded by `Reader.index`); the policy `skip` quarantines
    the item, `stop` ends the job.
    """

    def __init__(self, source: str, expected: str, found: str) -> None:
        super().__init__(f"{source}: expected {expected}, found {found}")
        self.source = source
        self.expected = expected
        self.found = found

    def __reduce__(self) -> tuple[type[UnreadableItem], tuple[str, str, str]]:
        # Exceptions cross process borders (data workers) by their constructor's arguments.
        return type(self), (self.source, self.expected, self.found)


class PluginError(UnlabeledError):
    """A plugin or a component that is missing, broken, too old or too new."""

    exit_code = 4


class RunError(UnlabeledError):
    """A run folder that is in use, incomplete, or belongs to something else."""

    exit_code = 5


class ShapeError(UnlabeledError, ValueError):
    """A tensor whose shape, size or values a function cannot accept."""


class NotFinite(ShapeError):
    """An argument of a loss with NaN or infinity. term: the loss."""

    def __init__(self, message: str, term: str = "") -> None:
        super().__init__(message)
        self.term = term


class CollapseError(UnlabeledError):
    """Representations collapsed, and `training.on_collapse` is `stop`."""

    exit_code = 6
