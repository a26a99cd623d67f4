"""Hugging Face, through the package huggingface_hub; access is that of `hf auth login`."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matey_core.errors import ConfigError, RunError, install_extra


class HuggingFaceHub:
    """Models of Hugging Face."""

    def __init__(self) -> None:
        """Open it.

        Raises:
            ConfigError: the package is not installed.
        """
        try:
            import huggingface_hub
        except ModuleNotFoundError as error:
            raise ConfigError(
                "Hugging Face needs the package huggingface_hub, which is not installed.",
                remedy=f"{install_extra('hub')}, or name a folder as hub with --hub.",
            ) from error
        self._package: Any = huggingface_hub

    def files(self, name: str) -> Sequence[str]:
        """List the files of a model."""
        return sorted(self._asked(name, lambda: self._package.HfApi().list_repo_files(name)))

    def fetch(self, name: str, file: str, target: Path) -> None:
        """Download a file; what was downloaded before is not downloaded again."""
        found = self._asked(name, lambda: self._package.hf_hub_download(name, file))
        shutil.copyfile(found, target)

    def publish(self, name: str, folder: Path) -> str:
        """Upload a folder to a model, which is made if there is none."""

        def upload() -> str:
            api = self._package.HfApi()
            url = api.create_repo(name, exist_ok=True)
            api.upload_folder(repo_id=name, folder_path=str(folder))
            return str(url)

        return self._asked(name, upload)

    @staticmethod
    def _asked(name: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception as error:
            # The package raises errors of its own, of requests and of the system.
            raise RunError(
                f"Hugging Face failed for {name}: {type(error).__name__}: {error}.",
                remedy="Check the name, the connection and `hf auth whoami`.",
            ) from error


__all__ = ["HuggingFaceHub"]
