"""What of this machine matey uses: device, precision, threads, packages, extras."""

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass

import torch

from matey_core.errors import install_extra
from matey_core.kernels.auto import choose
from matey_core.losses import LossConfig
from matey_core.machine import cores, cpu_model, memory
from matey_core.models import ModelConfig
from matey_core.objectives import ObjectiveConfig
from matey_core.profiling.synthetic import SyntheticBatches
from matey_core.tokens import Segments
from matey_core.training import Precision, choose_precision
from matey_core.version import __version__

PACKAGES = ("torch", "numpy", "zarr", "xarray", "h5py", "safetensors", "pydantic")
GRID = (64, 64)
"""Points of the field on which precisions are timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """Packages that bring further abilities."""

    name: str
    gives: str
    modules: tuple[str, ...]
    """What must be importable."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Modules that are not installed."""
        return tuple(name for name in self.modules if importlib.util.find_spec(name) is None)


EXTRAS = (
    Extra(name="netcdf", gives="NetCDF files", modules=("h5netcdf", "scipy")),
    Extra(name="hdf5", gives="HDF5 files with other compressions", modules=("hdf5plugin",)),
    Extra(name="plots", gives="pictures of rollouts, tokens and studies", modules=("matplotlib",)),
    Extra(name="dask", gives="matey prepare --dask", modules=("dask", "distributed")),
    Extra(name="s3", gives="stores in object storage (s3://…)", modules=("upath", "s3fs")),
    Extra(name="hub", gives="matey push, matey pull", modules=("huggingface_hub",)),
    Extra(name="tensorboard", gives="--logger tensorboard", modules=("tensorboard",)),
    Extra(name="wandb", gives="--logger wandb", modules=("wandb",)),
    Extra(name="mlflow", gives="--logger mlflow", modules=("mlflow",)),
    Extra(name="schedule-free", gives="the optimizer schedule_free", modules=("schedulefree",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraState:
    """Whether an extra is installed."""

    name: str
    gives: str
    missing: tuple[str, ...]
    install: str
    """The command that installs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What matey finds on this machine."""

    matey: str
    python: str
    platform: str
    cpu: str
    cores: int
    """That this process may use."""
    threads: int
    """That torch computes with."""
    memory: int
    """Bytes that this process may use."""
    device: str
    device_memory: int | None
    """Bytes; None for a CPU."""
    precision: str
    precision_reason: str
    kernel: str
    """That attention takes for cells of unequal number."""
    compiler: str | None
    """Of C++, which torch.compile needs on a CPU; None without one."""
    packages: dict[str, str]
    """Name → version."""
    extras: tuple[ExtraState, ...]


def diagnose() -> Diagnosis:
    """Look at this machine, and time a training step in float32 and bfloat16."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    precision = _measured(device)
    dtype = torch.bfloat16 if precision.name == "bfloat16" else torch.float32
    is_gpu = device.type == "cuda"
    return Diagnosis(
        matey=__version__,
        python=f"{platform.python_version()} ({sys.executable})",
        platform=platform.platform(),
        cpu=cpu_model(),
        cores=cores(),
        threads=torch.get_num_threads(),
        memory=memory(),
        device=torch.cuda.get_device_name() if is_gpu else "cpu",
        device_memory=torch.cuda.get_device_properties(0).total_memory if is_gpu else None,
        precision=precision.name,
        precision_reason=precision.reason,
        kernel=choose(device, dtype, 32, Segments((3, 5))),
        compiler=next(filter(shutil.which, ("c++", "g++", "clang++", "cl")), None),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        extras=tuple(
            ExtraState(
                name=extra.name,
                gives=extra.gives,
                missing=extra.missing,
                install=install_extra(extra.name),
            )
            for extra in EXTRAS
        ),
    )


def _measured(device: torch.device) -> Precision:
    """Time a training step of the standard model on a synthetic field in both precisions."""
    batches = SyntheticBatches(("u", "v"), GRID, history=4, batch_size=2)
    model = ModelConfig.standard().build(fields=("u", "v"), num_axes=(2,)).to(device)
    objective = ObjectiveConfig.choose("one_step").build(LossConfig.choose("nrmse").build())
    return choose_precision(model, next(batches).to(device), objective, device)
