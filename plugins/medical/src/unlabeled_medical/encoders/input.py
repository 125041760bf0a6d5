"""Facts about the input that every encoder of this plugin needs."""

from __future__ import annotations

from unlabeled.errors import RecipeError


def require_input(channels: int | None, rank: int | None) -> tuple[int, int]:
    """Raises RecipeError if neither the recipe nor the reader gives them."""
    if channels is None or rank is None:
        raise RecipeError(
            "encoder: channels (sequences, colours) and rank (2 for images, 3 for volumes) are "
            "not known; the reader tells them, or the recipe does. Where the data hold images and "
            "volumes, choose with the reader's include and exclude, or take medical/uni_vit."
        )
    return channels, rank
