"""No page names a folder of this machine: of an absolute path its last part is shown."""

from __future__ import annotations

import re

ROOTED = re.compile(
    r"""(?<![^\s"'`(\[{=:,<>])"""  # at the beginning of a word, not inside of a relative path
    r"""(?:file://)?(?:~|[A-Za-z]:)?[/\\]{1,2}"""
    r"""(?:[^\s"'`<>/\\]+[/\\])+"""  # one folder or more
    r"""(?=[^\s"'`<>/\\]|$)"""
)


def shortened(text: str) -> str:
    """`text` with "…/" in place of the folders of absolute paths."""
    return ROOTED.sub("…/", text)
