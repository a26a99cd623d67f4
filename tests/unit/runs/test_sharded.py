"""What processes that hold parts of the weights refuse."""

import pytest

from matey_core.errors import ConfigError
from matey_core.models import MODELS
from matey_core.runs.capabilities import _check_sharded
from matey_core.runs.settings import TrainingConfig
from tests.devices import built


def test_weights_that_only_some_batches_use_are_not_shared_out() -> None:
    with pytest.raises(ConfigError, match="strategy is fsdp, and the paper variant"):
        _check_sharded(TrainingConfig(), built(MODELS["paper"].tiny()))


def test_what_is_shared_out_is_not_compiled() -> None:
    model = built(MODELS["matey"].tiny())
    _check_sharded(TrainingConfig(), model)
    with pytest.raises(ConfigError, match="cannot share samples"):
        _check_sharded(TrainingConfig(sequence_parallel=2), model)
    with pytest.raises(ConfigError, match="cannot be compiled"):
        _check_sharded(TrainingConfig(compile=True), model)
