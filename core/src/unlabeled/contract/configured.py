"""What encoders, objectives and pretexts have in common."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from torch import nn

from unlabeled.settings import Settings

_PACKAGE = f"{__package__}."
"""The contract's own classes have no settings yet."""


class Configured(nn.Module, ABC):
    """A module that is built from typed settings, `settings_type(...)`."""

    settings_type: ClassVar[type[Settings]]

    def __init_subclass__(cls, **arguments: object) -> None:
        super().__init_subclass__(**arguments)
        if not cls.__module__.startswith(_PACKAGE) and not hasattr(cls, "settings_type"):
            raise TypeError(
                f"{cls.__name__}: set the class attribute settings_type to its Settings"
            )
