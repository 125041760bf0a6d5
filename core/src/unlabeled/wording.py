"""Numbers with their nouns and verbs. Standard library only."""

from __future__ import annotations


def counted(count: int, noun: str, one: str = "", many: str = "") -> str:
    """ "1 item", "2,000 items"; with verbs "1 item is", "2,000 items are".

    noun: in the singular, of a plural with s; one, many: the verb of each.
    """
    verb = one if count == 1 else many
    return f"{count:,} {noun}{'s' * (count != 1)}{f' {verb}' if verb else ''}"
