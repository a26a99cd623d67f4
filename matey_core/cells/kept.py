"""What a study keeps in its folder: values in a file, and the folder for itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matey_core.durable import written
from matey_core.errors import CheckpointError
from matey_core.files import read_json


class KeptValues(dict[str, Any]):
    """Measured values in a file: a study that goes on takes those that it began with."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            CheckpointError: it is damaged.
        """
        self.path = path
        if path.exists():
            try:
                super().__init__(read_json(path))
            except (OSError, TypeError, ValueError) as error:
                raise CheckpointError(
                    f"{path} is damaged: {error}.",
                    remedy="Remove the file; its values are then measured again.",
                ) from error

    def keep(self, values: Mapping[str, Any]) -> None:
        """Add values, and write all of them.

        Raises:
            RunError: the disk is full.
        """
        if values:
            self.update(values)
            with written(self.path) as partial:
                partial.write_text(json.dumps(self, indent=1) + "\n", encoding="utf-8")
