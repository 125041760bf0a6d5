"""Reports and notes beside images, in tables."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from unlabeled.data.texts import TextTables


class Reports(TextTables):
    """Reads tables with a column of reports; group = patient, and the id is the image's path.

    About people: a word is a token only where reports of several patients hold it, so that no
    name goes with the encoder.
    """

    private: ClassVar[bool] = True
    text: tuple[str, ...] = Field(
        ("report",), min_length=1, description="columns with text; several are read as sections"
    )
    group: str | None = Field("patient", description="column with the patient")
    vocabulary_groups: int = Field(
        3, ge=1, description="patients whose reports must hold a word for it to be a token"
    )
