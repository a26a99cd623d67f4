"""Low-rank adapters (arXiv 2106.09685) train beside frozen weights."""

import math
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.finetuning import FINETUNING, FinetuneModeConfig, train_parts
from matey_core.models import Model, Part

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""They may have an adapter where they are pointwise. Classes derived from these and from
`nn.Linear` have none: they may use their weight past the layer's own call."""
ADAPTER = "lora"
"""Name that an adapter has in its layer."""


@FINETUNING.register("lora")
class LoraConfig(FinetuneModeConfig):
    """Low-rank adapters on linear layers and pointwise convolutions."""

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
        layers = dict(_layers(model))
        matched = {name: self._matches(model, name) for name in layers}
        for target in self.targets:
            if not any(target in found for found in matched.values()):
                raise ConfigError(
                    f"finetune.targets has {target!r}, which matches no layer of the model.",
                    remedy=f"Name a part, or one of {', '.join(_names(layers))}.",
                )
        for name, found in matched.items():
            if found and model.part_of(f"{name}.weight") not in self.whole:
                adapter = LowRank(layers[name], rank=self.rank, scale=self.alpha / self.rank)
                layers[name].add_module(ADAPTER, adapter)
                layers[name].register_forward_hook(_adapted)

    def merged(self, model: Model) -> Mapping[str, Tensor]:
        """Give the model's weights with the adapters' products added."""
        weights = {
            name: value
            for name, value in model.state_dict().items()
            if f".{ADAPTER}." not in f".{name}"
        }
        for name, layer in _layers(model):
            if (adapter := getattr(layer, ADAPTER, None)) is not None:
                weights[f"{name}.weight"] = weights[f"{name}.weight"] + adapter.update()
        return weights

    def factors(self, model: Model) -> Mapping[str, tuple[Tensor, Tensor]]:
        """Give the adapters' matrices, with the factor in the first one."""
        return {
            f"{name}.weight": (adapter.scale * adapter.up, adapter.down)
            for name, layer in _layers(model)
            if (adapter := getattr(layer, ADAPTER, None)) is not None
            and not layer.get_parameter("weight").requires_grad
        }

    def _matches(self, model: Model, layer: str) -> set[str]:
        """The targets that name a layer."""
        names = {model.part_of(f"{layer}.weight"), *layer.split(".")}
        return {target for target in self.targets if target in names or fnmatchcase(layer, target)}


class LowRank(nn.Module):
    """x ↦ scale · up(down(x)), over the channels of a layer; 0 before it has trained."""

    def __init__(self, layer: nn.Module, *, rank: int, scale: float) -> None:
        super().__init__()
        weight = layer.get_parameter("weight")
        outputs, inputs, *self._kernel = weight.shape
        self.scale = scale
        self.down = nn.Parameter(weight.new_empty(rank, inputs))
        self.up = nn.Parameter(weight.new_zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Map the channels: the last axis, or the one before the axes of a convolution."""
        axis = -1 - len(self._kernel)
        inner = nn.functional.linear(x.movedim(axis, -1), self.down)
        return self.scale * nn.functional.linear(inner, self.up).movedim(-1, axis)

    @torch.no_grad()
    def update(self) -> Tensor:
        """What the layer's weight would have to gain to do the same."""
        product = self.scale * self.up @ self.down
        return product.reshape(*product.shape, *self._kernel)


def _layers(model: Model) -> Iterator[tuple[str, nn.Module]]:
    """Layers that may have an adapter, by name."""
    for name, module in model.named_modules():
        if type(module) is nn.Linear or (type(module) in CONVOLUTIONS and _is_pointwise(module)):
            yield name, module


def _is_pointwise(layer: nn.Module) -> bool:
    kernel = layer.get_parameter("weight").shape[2:]
    sizes = {*kernel, *layer.stride, layer.groups}  # type: ignore[misc]
    return sizes == {1} and layer.padding in ("valid", (0,) * len(kernel))


def _names(layers: Iterable[str]) -> list[str]:
    """Words of names, without numbers."""
    return sorted({word for name in layers for word in name.split(".") if not word.isdecimal()})


def _adapted(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
    return output + layer.get_submodule(ADAPTER)(inputs[0])
