"""Surrogates: history in, prediction out, in physical units. The door of the family.

A model is one file or folder: a class of settings, registered under the model's name, whose
`build` makes the `Model`. `WrappedConfig` and `Frame` are for models that shall be given normalized
fields; `AdaptiveConfig` and `AdaptiveModel` for those that cut fields into cells.
"""

from matey_core.models._adapter import AdapterBase, save_tensors, weights_sha256
from matey_core.models._adaptive import (
    AdaptiveConfig,
    AdaptiveModel,
    adaptive,
    adaptive_config,
    tokenized,
)
from matey_core.models._base import MODELS, Model, ModelConfig, Part
from matey_core.models._blends import Blends, write_blends
from matey_core.models._compiled import as_written, compile_parts
from matey_core.models._cost import ForwardCost, Inputs, plan
from matey_core.models._io import given_names, load_model, save_model
from matey_core.models._kernels import with_kernel
from matey_core.models._pairs import num_pairs
from matey_core.models._sizes import PRESETS, Preset, Sizes
from matey_core.models._upgrade import completed_settings, upgraded_settings
from matey_core.models._wrapper import Frame, WrappedConfig, has_blend

__all__ = [
    "MODELS",
    "PRESETS",
    "AdapterBase",
    "AdaptiveConfig",
    "AdaptiveModel",
    "Blends",
    "ForwardCost",
    "Frame",
    "Inputs",
    "Model",
    "ModelConfig",
    "Part",
    "Preset",
    "Sizes",
    "WrappedConfig",
    "adaptive",
    "adaptive_config",
    "as_written",
    "compile_parts",
    "completed_settings",
    "given_names",
    "has_blend",
    "load_model",
    "num_pairs",
    "plan",
    "save_model",
    "save_tensors",
    "tokenized",
    "upgraded_settings",
    "weights_sha256",
    "with_kernel",
    "write_blends",
]
