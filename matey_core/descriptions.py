"""What files say that a model knows and is given, checked without building the model."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matey_core.errors import CheckpointError
from matey_core.fields import GIVEN_ROLES, GivenScale


def check_known(fields: Any, num_axes: Any, *, path: Path) -> None:
    """Check what a file says that a model knows.

    Args:
        fields: should be names, each once.
        num_axes: should be numbers from 1 to 3.
        path: of the file.

    Raises:
        CheckpointError: they are something else.
    """
    names = fields if isinstance(fields, list) else [None]
    if not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        problem = f"fields should be a list of names, each once, not {fields!r}"
    elif not isinstance(num_axes, list) or any(
        type(axes) is not int or not 1 <= axes <= 3 for axes in num_axes
    ):
        problem = f"num_axes should be a list of numbers from 1 to 3, not {num_axes!r}"
    else:
        return
    raise CheckpointError(
        f"{path} is damaged: {problem}.", remedy="Write it again from its run, or train anew."
    )


def scales_of(described: Mapping[str, Any], *, path: Path) -> dict[str, GivenScale]:
    """Read what a file says that a model is given.

    Args:
        described: a description, whose key `given` nobody has checked.
        path: of the file.

    Raises:
        CheckpointError: it says something else.
    """
    found = described.get("given", {})
    kinds = {"center": float, "spread": float, "is_log": bool, "is_required": bool, "role": str}
    try:
        scales = {name: GivenScale(**values) for name, values in found.items()}
        for scale in scales.values():
            values = asdict(scale)
            if any(type(values[key]) is not kind for key, kind in kinds.items()):
                raise ValueError(f"{values} are not all of the types that they should be")
            is_scale = math.isfinite(scale.center) and 0 < scale.spread < math.inf
            if scale.role not in GIVEN_ROLES or not is_scale:
                raise ValueError(f"{values} are no scale")
    except (AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged: given should be scales by name: {error}.",
            remedy="Write it again from its run, or train anew.",
        ) from error
    return scales
