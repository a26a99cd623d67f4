"""Surrogates: history in, prediction out, in physical units. The door of the family."""

from matey_core.models._base import MODELS, Model, ModelConfig, Sizes
from matey_core.models._compiled import as_written, compile_parts
from matey_core.models._io import load_model, save_model
from matey_core.models._kernels import with_kernel

__all__ = [
    "MODELS",
    "Model",
    "ModelConfig",
    "Sizes",
    "as_written",
    "compile_parts",
    "load_model",
    "save_model",
    "with_kernel",
]
