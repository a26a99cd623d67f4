"""The setting that a wrong name probably means."""

import difflib
from collections.abc import Sequence

ALIASES = {
    "batch": "batch_size",
    "blocks": "depth",
    "dim": "width",
    "dropout": "drop_path",
    "epochs": "steps",
    "hidden": "width",
    "iterations": "steps",
    "layers": "depth",
    "lr": "learning_rate",
    "num_heads": "heads",
    "num_layers": "depth",
    "num_workers": "workers",
    "patch_size": "patch",
    "size": "preset",
    "type": "name",
    "warmup_steps": "warmup",
}
"""Names of other programs → ours."""


def likely(path: str, paths: Sequence[str]) -> str | None:
    """Give the setting that is probably meant; None where none is like it.

    Args:
        path: such as `model.size`.
        paths: of all settings.
    """
    section, _, name = path.rpartition(".")
    beside = [each for each in paths if each.rpartition(".")[0] == section]
    wanted = ALIASES.get(name, name)
    ends = [each for each in (*beside, *paths) if each.rpartition(".")[2] == wanted]
    if name == "name" and f"{section}.variant" in beside:
        ends = [f"{section}.variant"]
    names = {each.rpartition(".")[2]: each for each in beside}
    near = [names[each] for each in difflib.get_close_matches(name, names, n=1)]
    far = difflib.get_close_matches(path, paths, n=1, cutoff=0.8)
    return next(iter((*ends, *near, *far)), None)
