"""What unlabeled-lab brings."""

from unlabeled.plugin import Component, Plugin, Trial

P = "unlabeled_lab"
READERS = ("spots", "scenes", "reports", "proteins", "columns", "pushes", "shop")
ENCODERS = {
    "conv": "Conv",
    "sequence": "SequenceEncoder",
    "image_text": "ImageText",
    "columns": "Columns",
    "light_gcn": "LightGCN",
    "world": "World",
    "pixels": "Pixels",
}
PRETEXTS = {
    "joint_labels": "JointLabels",
    "mean_teacher": "MeanTeacher",
    "co_training": "CoTraining",
    "several_spots": "SeveralSpots",
    "policy": "Policy",
    "words": "Words",
    "preference": "Preference",
    "image_report": "ImageReport",
    "t_jepa": "TJEPA",
    "bpr": "BPR",
    "world_model": "WorldModel",
    "cells": "Cells",
}
TURNS = ("Turn", "Grain")
RECIPES = {
    "cells": "where the cells are",
    "joint_labels": "class and rotation as one label",
    "mean_teacher": "few labels, and a slow copy",
    "co_training": "two networks teach each other",
    "several_spots": "several labels of an image",
    "policy": "a policy that proposes labels",
    "hidden_words": "hidden letters",
    "next_word": "the next letter",
    "preference": "preferences beside a reference",
    "image_report": "image and report",
    "cross_modal": "image and report, by the core",
    "t_jepa": "columns from columns",
    "masked_columns": "columns from columns, by the core",
    "light_gcn": "ranking of goods",
    "world": "imagined steps",
}
plugin = Plugin(
    api=1,
    modality="lab",
    summary="Methods of many kinds, small",
    synthetic={n: Component(f"{P}.synthetic:{n}", n) for n in (*READERS, "scans")},
    readers={name: Component(f"{P}.readers.npz:Npz", f"archives of {name}") for name in READERS}
    | {"scans": Component(f"{P}.readers.scans:Scans", "images of cells, and masks")},
    encoders={n: Component(f"{P}.encoders.{n}:{c}", n) for n, c in ENCODERS.items()},
    pretexts={n: Component(f"{P}.pretexts.{n}:{c}", n) for n, c in PRETEXTS.items()},
    baselines={
        name: Component(f"{P}.baselines.plain:{name.title()}", name)
        for name in ("pixels", "letters", "fields", "brightness")
    },
    assessments={
        "ranking": Component(f"{P}.assessments.ranking:Ranking", "recall of later purchases"),
        "residues": Component(f"{P}.assessments.residues:Residues", "kinds of residues"),
    },
    augmentations={n.lower(): Component(f"{P}.augmentations.turn:{n}", n) for n in TURNS},
    trials={"cells": Trial("cells", learned="mask")},
    recipes={
        n: Component(f"{P}:recipes/{n}.yaml", s, experimental=True) for n, s in RECIPES.items()
    },
    expected_failures={
        "pretexts/cells/learns": "brightness alone tells the label; tests ask the masks",
        "assessments/ranking/groups": "the users of one table are what is independent, and no item "
        "but that table is tested",
    },
)
