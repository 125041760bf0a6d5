"""Toy data of every kind; labels.csv beside them, two items to a group."""

import json
from pathlib import Path

import numpy as np

PLACES = ("left", "right", "upper", "lower")
LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def _end(path: Path, rows: list[str], facts: dict, head: str = "item,label,group") -> None:
    (path / "labels.csv").write_text("\n".join([head, *rows]) + "\n")
    (path / "facts.json").write_text(json.dumps(facts))


def _image(place: int, rng: np.random.Generator) -> np.ndarray:
    """(8, 8): noise, and a bright spot at one of four places."""
    image = rng.normal(0, 0.7, (8, 8))
    row, column = [(4, 2), (4, 6), (2, 4), (6, 4)][place]
    image[row - 1 : row + 1, column - 1 : column + 1] += 1.2
    return image.astype(np.float32)


def spots(path: Path, *, count: int, seed: int) -> None:
    """Images with a spot; the label is its place."""
    rng, rows = np.random.default_rng(seed), []
    for n in range(count):
        place = int(rng.integers(4))
        np.savez(path / f"{n:03d}.npz", image=_image(place, rng))
        rows.append(f"{n:03d}.npz,{PLACES[place]},p{n // 2}")
    _end(path, rows, {})


def scenes(path: Path, *, count: int, seed: int) -> None:
    """Images with one to three spots; each place is a label of its own, in a row of its own."""
    rng, rows = np.random.default_rng(seed), []
    for n in range(count):
        places = rng.choice(4, size=int(rng.integers(1, 4)), replace=False)
        image = np.sum([_image(place, rng) for place in places], axis=0) / len(places) ** 0.5
        np.savez(path / f"{n:03d}.npz", image=image.astype(np.float32))
        rows += [f"{n:03d}.npz,{PLACES[place]},p{n // 2}" for place in places]
    _end(path, rows, {})


def reports(path: Path, *, count: int, seed: int) -> None:
    """Images with a spot and a sentence about it; 1 in 6 lacks the one or the other."""
    rng, rows = np.random.default_rng(seed), []
    words = ["[pad]", "[mask]", "the", "spot", "is", "seen", *PLACES]
    for n in range(count):
        place = int(rng.integers(4))
        said = [*("the", "spot", "is", "seen")[int(rng.integers(3)) :], PLACES[place]]
        parts = {"image": _image(place, rng), "text": np.array([words.index(w) for w in said])}
        if (gone := int(rng.integers(12))) < 2:
            parts.pop(["image", "text"][gone])
        np.savez(path / f"{n:03d}.npz", **parts)
        rows.append(f"{n:03d}.npz,{PLACES[place]},p{n // 2}")
    _end(path, rows, {"words": words})


def proteins(path: Path, *, count: int, seed: int) -> None:
    """Letters in runs of three kinds; residues.csv has the kind of each residue."""
    rng, rows, residues = np.random.default_rng(seed), [], []
    likes = np.random.default_rng(5).dirichlet(np.full(len(LETTERS), 0.6), 3)
    for n in range(count):
        kind, kinds = int(rng.integers(3)), []
        while len(kinds) < 16:
            kind = (kind + 1 + int(rng.integers(2))) % 3
            kinds += [kind] * int(rng.integers(4, 9))
        text = np.array([2 + rng.choice(len(LETTERS), p=likes[each]) for each in kinds])
        np.savez(path / f"{n:03d}.npz", text=text)
        rows.append(f"{n:03d}.npz,{'HEC'[np.bincount(kinds).argmax()]},f{n // 2}")
        residues += [f"{n:03d}.npz,{i},{i + 1},{'HEC'[k]},f{n // 2}" for i, k in enumerate(kinds)]
    (path / "residues.csv").write_text("\n".join(["item,start,end,kind,group", *residues]) + "\n")
    _end(path, rows, {"words": ["[pad]", "[mask]", *LETTERS]})


def columns(path: Path, *, count: int, seed: int) -> None:
    """Rows of six columns, three of each sign of one dependence; some fields are missing."""
    rng, rows = np.random.default_rng(seed), []
    for n in range(count):
        sign = 1 if rng.random() < 0.5 else -1
        hidden = rng.normal(size=3)
        row = np.concatenate([hidden, sign * hidden]) + rng.normal(0, 0.1, 6)
        row[rng.random(6) < 0.1] = np.nan
        np.savez(path / f"{n:03d}.npz", row=row.astype(np.float32))
        rows.append(f"{n:03d}.npz,{'same' if sign > 0 else 'opposite'},r{n // 2}")
    _end(path, rows, {"columns": 6})


def pushes(path: Path, *, count: int, seed: int) -> None:
    """A point pushed on a line: place, speed, push, reward -place². The label is the friction."""
    rng, rows = np.random.default_rng(seed), []
    for n in range(count):
        friction, x, v, steps = (0.05, 0.4)[n % 2], rng.normal(), rng.normal(), []
        for _ in range(int(rng.integers(12, 20))):
            push = rng.uniform(-1, 1)
            steps.append([x, v, push, -x * x])
            v = (1 - friction) * v + 0.3 * push
            x = x + 0.3 * v
        np.savez(path / f"{n:03d}.npz", steps=np.array(steps, np.float32))
        rows.append(f"{n:03d}.npz,{('low', 'high')[n % 2]},e{n // 4}")
    _end(path, rows, {})


def shop(path: Path, *, count: int, seed: int) -> None:
    """Who bought what, in four tastes: one shop; the other items are thinned copies of it.

    labels.csv: the taste of each user of the shop; in the shop's file also what they bought later.
    """
    rng = np.random.default_rng(seed)
    taste, kind = rng.integers(4, size=24), rng.integers(4, size=30)
    chance = np.where(taste[:, None] == kind, 0.5, 0.04)
    pairs = np.argwhere(rng.random(chance.shape) < chance)
    later = rng.random(len(pairs)) < 0.25
    np.savez(path / "000.npz", edges=pairs[~later].T, held=pairs[later].T, users=24)
    for n in range(1, count):
        np.savez(path / f"{n:03d}.npz", edges=pairs[~later & (rng.random(len(pairs)) < 0.9)].T)
    rows = [f"000.npz#{user},t{taste[user]},u{user}" for user in range(24)]
    _end(path, rows, {"users": 24, "goods": 30})


def scans(path: Path, *, count: int, seed: int) -> None:
    """Images of round cells, dark or bright, in noise, and masks of where they are."""
    rng, rows = np.random.default_rng(seed), []
    (path / "masks").mkdir()
    for n in range(count):
        height, width = rng.integers(16, 21, 2)
        row, column = np.mgrid[:height, :width]
        centre, radius = rng.uniform(4, 12, 2), rng.uniform(3, 5)
        mask = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 < radius**2
        sign = (-1, 1)[n % 2]
        image = sign * 2.0 * mask + rng.normal(0, 0.3, mask.shape)
        np.savez(path / f"{n:03d}.npz", image=image.astype(np.float32))
        np.savez(path / f"masks/{n:03d}.npz", mask=mask)
        rows.append(f"{n:03d}.npz,{('dark', 'bright')[n % 2]},p{n // 4},masks/{n:03d}.npz")
    _end(path, rows, {}, "item,label,group,mask")
    (path / "masks.csv").write_text((path / "labels.csv").read_text())
