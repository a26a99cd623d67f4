"""Published checkpoints: what they hold, read off the names and shapes of their arrays."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from matey_core.errors import CheckpointError
from matey_core.models.paper.patches import patch_triple
from matey_core.models.paper.settings import PaperTokenizerConfig

HEAD = re.compile(r"tokenizer_ensemble_heads\.0\.([^.]+)\.")
STAGES = (0, 3, 6)
PUBLISHED_DROP_PATH = 0.2
SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A checkpoint in this project's terms."""

    settings: dict[str, Any]
    """Of a `PaperConfig`."""
    num_axes: int
    state: dict[str, Tensor]
    """Parameters under the names of `PaperModel`."""

    def field_names(self, given: Sequence[str] | None) -> tuple[str, ...]:
        """Names of the known fields, made up where none are given.

        Raises:
            CheckpointError: the checkpoint knows another number of fields.
        """
        count = self.state["space_bag.0.weight"].shape[1]
        names = tuple(given) if given else tuple(f"field_{index}" for index in range(count))
        if len(set(names)) != count:
            raise CheckpointError(
                f"The checkpoint knows {count} fields; {len(set(names))} names are given.",
                remedy=f"Give {count} different names, in the order of the checkpoint's numbers.",
            )
        return names


def read_published(
    arrays: Mapping[str, np.ndarray],
    *,
    tokenizer: str | None,
    gamma: float | None,
    ratio: float | None,
) -> Published:
    """Read sizes, scheme, patches and positions off names and shapes.

    Raises:
        CheckpointError: too little is there to tell, or it is another kind of model.
    """
    arrays = {name.removeprefix("module."): array for name, array in arrays.items()}
    scheme = _scheme(arrays)
    width = 4 * _array(arrays, r"space_bag\.0\.weight").shape[0]
    head = _only(sorted({match[1] for name in arrays if (match := HEAD.match(name))}))
    patches = _patches(arrays, head)
    num_axes = sum(side > 1 for side in patches[-1])
    if any(patch != patch_triple(patch[2], num_axes) for patch in patches):
        raise CheckpointError(
            f"The checkpoint's patches {patches} have unequal sides, which are not supported."
        )
    levels = tuple(patch[2] for patch in reversed(patches))
    settings: dict[str, Any] = {
        "width": width,
        "depth": 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("blocks.")),
        "heads": width // len(_array(arrays, r"blocks\.\d+\.\w+\.qnorm\.weight")),
        "scheme": scheme,
        "position": "fourier" if "posbias.0.pos_embed.weight" in arrays else "none",
        "drop_path": PUBLISHED_DROP_PATH,
        "tokenizer": PaperTokenizerConfig.model_validate(
            {
                "name": _tokenizer(scheme, len(levels), tokenizer),
                "patch": levels,
                "gamma": gamma,
                "ratio": ratio,
            }
        ),
    }
    return Published(settings=settings, num_axes=num_axes, state=_state(arrays, head, num_axes))


def load_strictly(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load parameters that must match the model's in name and shape.

    Raises:
        CheckpointError: one message with every kind of difference.
    """
    own = model.state_dict()
    differences = {
        "missing": [name for name in own if name not in state],
        "unexpected": [name for name in state if name not in own],
        "of another shape": [
            f"{name} {tuple(state[name].shape)} instead of {tuple(own[name].shape)}"
            for name in own
            if name in state and own[name].shape != state[name].shape
        ],
    }
    problems = [
        f"{len(names)} {kind}: {_some(names)}" for kind, names in differences.items() if names
    ]
    if problems:
        raise CheckpointError(
            f"The checkpoint does not match the model it describes. {'; '.join(problems)}.",
            remedy="Check that it is complete and comes from a ViT, SViT or AViT.",
        )
    model.load_state_dict(dict(state))


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + rest


def _scheme(arrays: Mapping[str, np.ndarray]) -> str:
    if any(name.startswith("blocks.0.spatialtemporal.") for name in arrays):
        return "full"
    if "blocks.0.temporal.gamma" in arrays:
        return "axial"
    if "blocks.0.temporal.gamma_att" in arrays:
        return "factorized"
    is_hierarchical = any(name.startswith("module_blocks.") for name in arrays)
    kind = "It is the hierarchical TurbT. " if is_hierarchical else ""
    raise CheckpointError(
        f"The checkpoint holds no blocks of a ViT, SViT or AViT. {kind}Its names begin with "
        f"{', '.join(sorted({name.partition('.')[0] for name in arrays})) or 'nothing'}.",
        remedy="Give the parameters of a ViT, SViT or AViT under their published names.",
    )


def _tokenizer(scheme: str, num_levels: int, wanted: str | None) -> Any:
    if num_levels == 1:
        return "uniform"
    return wanted or ("adap_mul" if scheme == "axial" else "adap_mix")


def _patches(arrays: Mapping[str, np.ndarray], head: str) -> list[tuple[int, ...]]:
    """Patch of each level, the finest first: the product of the stem's kernels."""
    stem = f"tokenizer_ensemble_heads.0.{head}.embed"
    numbers = {name.split(".")[4] for name in arrays if name.startswith(f"{stem}.")}
    patches = []
    for number in sorted(numbers, key=int):
        weights = [
            _array(arrays, re.escape(f"{stem}.{number}.in_proj.{stage}.weight")) for stage in STAGES
        ]
        patches.append(tuple(math.prod(w.shape[axis] for w in weights) for axis in (2, 3, 4)))
    return patches


def _state(arrays: Mapping[str, np.ndarray], head: str, num_axes: int) -> dict[str, Tensor]:
    prefix, ours = f"tokenizer_ensemble_heads.0.{head}.", f"tokenizer_ensemble_heads.0.{num_axes}d."
    state = {
        ours + name.removeprefix(prefix) if name.startswith(prefix) else name: torch.tensor(array)
        for name, array in arrays.items()
    }
    state["space_bag.0.reference"] = torch.tensor(float(state["space_bag.0.weight"].shape[1]))
    return state


def _array(arrays: Mapping[str, np.ndarray], pattern: str) -> np.ndarray:
    """The first array whose name matches."""
    for name, array in arrays.items():
        if re.fullmatch(pattern, name):
            return array
    raise CheckpointError(
        f"The checkpoint has no array named {pattern.replace(chr(92), '')}.",
        remedy="Give all parameters of the model under their published names.",
    )


def _only(heads: Iterable[str]) -> str:
    names = list(heads)
    if len(names) != 1:
        raise CheckpointError(
            f"The checkpoint has {len(names)} tokenizer heads ({', '.join(names)}); one is needed.",
            remedy="Give the arrays of one head, and all that is shared.",
        )
    return names[0]
