"""Weights saved apart: what a fine-tuned model has that its base has not.

    RUN/model/  adapter.safetensors  model.json

`model.json` describes the whole model, and names the base under `base`: its folder below the
folder of runs, which is the one that RUN lies in, and the SHA-256 of its weights.
`adapter.safetensors` holds NAME, a weight that differs or is new, or NAME:up and NAME:down, whose
product is added to the base's weight NAME.
"""

import hashlib
import operator
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from matey_core.errors import CheckpointError, ConfigError

WEIGHTS, ADAPTER = "model.safetensors", "adapter.safetensors"
Factors = Mapping[str, tuple[Tensor, Tensor]]
"""Name of a weight → (rows, rank) and (rank, columns): their product has been added to it, whose
rows are its first axis, or its first few axes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterBase:
    """The model that an adapter belongs to."""

    folder: Path
    path: str
    """The same, below the folder of runs."""
    sha256: str
    """Of its weights."""

    @classmethod
    def of(cls, folder: Path, *, runs: Path) -> "AdapterBase":
        """Describe the model that a fine-tuning starts from.

        Raises:
            ConfigError: it lies outside the folder of runs, or is saved as an adapter itself.
            CheckpointError: it has no weights.
        """
        here, root = Path(os.path.abspath(folder)), Path(os.path.abspath(runs))
        merged = "or save the whole model: finetune.save=merged."
        if not (here.is_relative_to(root) and _stays_below(here, root)):
            raise ConfigError(
                f"finetune.save=adapter needs its base below the folder of runs, {runs}; it is "
                f"{folder}.",
                remedy=f"Copy the base into {runs}, {merged}",
            )
        if (folder / ADAPTER).exists():
            raise ConfigError(
                f"finetune.save=adapter needs a whole model as its base; {folder} is an adapter.",
                remedy=f"Start from its base, {merged}",
            )
        if not (folder / WEIGHTS).is_file():
            raise CheckpointError(
                f"finetune.save=adapter needs its base, and {folder / WEIGHTS} is gone.",
                remedy="Restore that file, or set finetune.save=merged.",
            )
        path = here.relative_to(root).as_posix()
        return cls(folder=folder, path=path, sha256=weights_sha256(folder))


def weights_sha256(folder: Path) -> str:
    """SHA-256 of the file that holds a model's weights, or what it adds to its base's."""
    return _sha256(folder / (ADAPTER if (folder / ADAPTER).exists() else WEIGHTS))


def save_adapter(
    weights: Mapping[str, Tensor], folder: Path, *, base: AdapterBase, factors: Factors
) -> None:
    """Write what differs from the base.

    Args:
        weights: all of the model's.
        folder: exists.
        base: what they are compared with.
        factors: products that were added to weights of the base.
    """
    before = load_file(base.folder / WEIGHTS)
    saved: dict[str, Tensor] = {}
    for name, value in weights.items():
        old = before.get(name)
        if old is not None and old.shape == value.shape and name in factors:
            saved[f"{name}:up"], saved[f"{name}:down"] = factors[name]
        elif old is None or not torch.equal(value.cpu(), old):
            saved[name] = value
    save_tensors(saved, folder / ADAPTER)


def save_tensors(values: Mapping[str, Tensor], path: Path) -> None:
    """Write copies on the CPU, as safetensors wants them."""
    plain = {name: value.detach().cpu().contiguous() for name, value in values.items()}
    save_file(plain, path)


def read_adapter(folder: Path, base: Path, *, names: Iterable[str]) -> dict[str, Tensor]:
    """Rebuild the weights of a model that is saved as an adapter.

    Args:
        folder: of the adapter.
        base: what `base_of` found.
        names: weights that the model has; others of the base are left out.

    Raises:
        CheckpointError: the adapter does not fit its base.
    """
    try:
        before, found = load_file(base / WEIGHTS), load_file(folder / ADAPTER)
        weights = {name: before[name] for name in names if name in before}
        for name, value in found.items():
            weight, _, kind = name.rpartition(":")
            if kind == "up":
                weights[weight] = _added(before[weight], value, found[f"{weight}:down"])
            elif kind != "down" or f"{weight}:up" not in found:
                weights[name] = value
    except (OSError, SafetensorError, LookupError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{folder / ADAPTER} is damaged, or does not fit its base: {error}.",
            remedy="Copy the model again from its run, or fine-tune again.",
        ) from error
    return weights


def base_of(folder: Path, described: Any) -> Path:
    """Find the base of an adapter, and see that it is the one.

    Args:
        folder: of the adapter.
        described: the key `base` of its description, which nobody has checked.

    Raises:
        CheckpointError: it is gone or has changed, or its path leads elsewhere.
    """
    path, sha256 = (
        (described.get("path"), described.get("sha256"))
        if isinstance(described, dict)
        else (None, None)
    )
    if not isinstance(path, str) or not re.fullmatch(r"[0-9a-f]{64}", str(sha256)):
        raise CheckpointError(
            f"{folder / 'model.json'}: base should have a path and a sha256.",
            remedy="Copy the model again from its run, or fine-tune again.",
        )
    root = Path(os.path.abspath(folder)).parents[1]
    base = root / PurePosixPath(path)
    if ".." in PurePosixPath(path).parts or not _stays_below(base, root):
        raise CheckpointError(
            f"{folder / 'model.json'}: the base {path!r} is not a folder below {root}.",
            remedy="Do not use this model if you do not know who made it.",
        )
    expected = f"the base {path} in {root}, with weights of SHA-256 {sha256}"
    if not (base / WEIGHTS).is_file():
        raise CheckpointError(
            f"{folder} is an adapter, and needs {expected}; it is not there.",
            remedy="Copy the base to that folder.",
        )
    if (found := _sha256(base / WEIGHTS)) != sha256:
        raise CheckpointError(
            f"{folder} is an adapter, and needs {expected}; those that are there have {found}.",
            remedy="Restore the base that it was trained on.",
        )
    return base


def _stays_below(path: Path, root: Path) -> bool:
    """Whether it does with all links followed; a name that no file can have does not."""
    try:
        path.exists()  # raises where a name is too long, which `resolve` does not
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _added(weight: Tensor, up: Tensor, down: Tensor) -> Tensor:
    leading = set(accumulate(weight.shape, operator.mul))
    rank = up.shape[-1]
    if (
        up.shape[0] not in leading
        or up.ndim != 2
        or down.shape != (rank, weight.numel() // up.shape[0])
    ):
        shapes = " · ".join(str(tuple(factor.shape)) for factor in (up, down))
        raise ValueError(f"the factors {shapes} are not of a weight {tuple(weight.shape)}")
    return weight + (up @ down).reshape(weight.shape)
