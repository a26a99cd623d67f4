"""Low-rank adapters (arXiv 2106.09685) train beside frozen weights."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.finetuning import FINETUNING, FinetuneModeConfig, count_parameters, train_parts
from matey_core.finetuning._low_rank import LowRank, add_sum, matrices, sums
from matey_core.models import Model, Part

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""They may have an adapter beside them where they are pointwise; kernels that are kept as matrices
have one that is added to them. Classes derived from these and from
`nn.Linear` have none: they may use their weight past the layer's own call."""
FEW = 0.005
"""Fraction of weights below which adapters change next to nothing."""
ADAPTER = "lora"
"""Name that an adapter has in its layer."""


@FINETUNING.register("lora")
class LoraConfig(FinetuneModeConfig):
    """Low-rank adapters on linear layers, convolutions and spectral layers."""

    mode: Literal["lora"] = "lora"
    rank: PositiveInt = 8
    """Rank of an adapter."""
    alpha: PositiveFloat = 16.0
    """Scale of adapters: their product is multiplied by `alpha` / `rank`."""
    targets: tuple[str, ...] = Field(default=("attention",), min_length=1)
    """Layers with adapters: a part of the model (stem, attention, head, fields), a word of a
    layer's name such as `qkv`, or a pattern of the whole name such as `*.blocks.0.*`."""
    whole: tuple[Part, ...] = ()
    """Parts of the model whose own weights train beside the adapters."""

    def prepare(self, model: Model) -> None:
        """Freeze the model and add adapters, which at first change nothing.

        Raises:
            ConfigError: a target matches no layer.
        """
        train_parts(model, self.whole)
        layers = {f"{name}.weight": layer for name, layer in _layers(model)}
        own = {name: (module, leaf, rows) for name, module, (leaf, rows) in _own(model)}
        matched = {name: self._matches(model, name) for name in (*layers, *own)}
        for target in self.targets:
            if not any(target in found for found in matched.values()):
                raise ConfigError(
                    f"finetune.targets has {target!r}, which matches no layer of the model.",
                    remedy=f"Name a part, or one of {', '.join(_names(matched))}.",
                )
        for name, found in matched.items():
            if not found or model.part_of(name) in self.whole:
                continue
            scale = self.alpha / self.rank
            if name in own:
                add_sum(*own[name], rank=self.rank, scale=scale)
                continue
            layers[name].add_module(ADAPTER, LowRank(layers[name], rank=self.rank, scale=scale))
            layers[name].register_forward_hook(_adapted)

    def merged(self, model: Model) -> Mapping[str, Tensor]:
        """Give the model's weights with the adapters' products added."""
        weights = {
            name: value
            for name, value in model.state_dict().items()
            if f".{ADAPTER}." not in f".{name}" and ".parametrizations." not in name
        }
        with torch.no_grad():
            weights |= {name: added(value) for name, value, added in sums(model)}
        for name, layer in _layers(model):
            if (adapter := getattr(layer, ADAPTER, None)) is not None:
                weights[f"{name}.weight"] = weights[f"{name}.weight"] + adapter.update()
        return weights

    def factors(self, model: Model) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Give the adapters' matrices, with the factor in the first one."""
        found = {
            f"{name}.weight": (adapter.scale * adapter.up, adapter.down)
            for name, layer in _layers(model)
            if (adapter := getattr(layer, ADAPTER, None)) is not None
            and not layer.get_parameter("weight").requires_grad
        }
        return found | {
            name: (added.scale * added.up, added.down)
            for name, value, added in sums(model)
            if not value.requires_grad
        }

    def note(self, model: Model) -> str:
        """Warn where next to nothing is adapted, as in a model without attention."""
        counts = count_parameters(model)
        trained, total = counts.num_trained, counts.num_trained + counts.num_frozen
        if trained > FEW * total:
            return ""
        layers = (f"{name}.weight" for name, _ in _layers(model))
        words = _names([*layers, *(name for name, _, _ in _own(model))])
        return (
            f"Of {total:,} weights {trained:,} train ({trained / total:.2%}): "
            f"finetune.targets={list(self.targets)} adapts little of this model. Others are "
            f"{', '.join(words)}."
        )

    def _matches(self, model: Model, name: str) -> set[str]:
        """The targets that name a weight, or its layer."""
        layer = name.removesuffix(".weight")
        names = {model.part_of(name), *layer.split(".")}
        return {target for target in self.targets if target in names or fnmatchcase(layer, target)}


def _layers(model: Model) -> Iterator[tuple[str, nn.Module]]:
    """Layers that may have an adapter, by name."""
    for name, module in model.named_modules():
        if type(module) is nn.Linear or (type(module) in CONVOLUTIONS and _is_pointwise(module)):
            yield name, module


def _own(model: Model) -> Iterator[tuple[str, nn.Module, tuple[str, int]]]:
    """Other weights that may have one: full name, module, name and rows in it."""
    for prefix, module in model.named_modules():
        for name, rows in matrices(module):
            yield f"{prefix}.{name}", module, (name, rows)


def _is_pointwise(layer: nn.Module) -> bool:
    kernel = layer.get_parameter("weight").shape[2:]
    sizes = {*kernel, *layer.stride, layer.groups}  # type: ignore[misc]
    return sizes == {1} and layer.padding in ("valid", (0,) * len(kernel))


def _names(layers: Iterable[str]) -> list[str]:
    """Words of names, without numbers."""
    words = {word for name in layers for word in name.removesuffix(".weight").split(".")}
    return sorted(word for word in words if not word.isdecimal())


def _adapted(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    return output + layer.get_submodule(ADAPTER)(inputs[0])
