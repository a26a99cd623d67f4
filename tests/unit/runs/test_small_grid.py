"""One grid that is too small, among stores that train together."""

from pathlib import Path

import pytest

from matey_core.errors import ShapeError
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from tests.support import tiny_store


@pytest.mark.parametrize("variant", ["matey", "pyramid"])
def test_it_is_named(tmp_path: Path, variant: str) -> None:
    tiny_store(tmp_path, shape=(32, 32))
    tiny_store(tmp_path, name="small", shape=(3, 3))
    config = PretrainConfig.model_validate(
        {"data": tmp_path, "runs": tmp_path / "runs", "steps": 1, "model": {"variant": variant}}
    )
    with pytest.raises(ShapeError, match=r"small: .* does not fit a grid of 3×3") as told:
        pretrain(config)
    assert told.value.remedy.endswith("Or move the store out of the folder.")
