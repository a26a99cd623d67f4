"""The Well: a file, or a dataset with its folders train, valid and test."""

import os
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path

from matey_core.containers.hdf5 import is_hdf5, is_well, open_hdf5
from matey_core.errors import DataError, NothingFoundError
from matey_core.files import entries_of
from matey_core.readers import READERS, Reader, ReaderOptions, Source
from matey_core.readers._find import walk
from matey_core.readers._options import chosen
from matey_core.readers.pdebench.names import stem
from matey_core.readers.the_well.file import WellSource, open_file
from matey_core.sources.joined import Joined
from matey_core.sources.parts import opened_parts

SPLITS = {"train": "train", "valid": "validation", "validation": "validation", "test": "test"}
"""Folders of a dataset, and the split that they hold."""


@READERS.register("the_well")
class WellReader(Reader):
    """HDF5 in the layout of The Well, by itself or in a dataset's folders."""

    uses = frozenset({"directed", "conserved"})

    def stem(self, name: str) -> str:
        """A file's name without an HDF5 suffix; other dots, as in `tcool_0.03`, stay."""
        return stem(name)

    def recognizes(self, path: Path) -> bool:
        """Whether a file is The Well's, or all files of a folder are and have one structure."""
        try:
            if path.is_file():
                return _is_well(path)
            return bool(files := _files(path)) and bool(self._join(path, files))
        except (DataError, OSError):
            return False

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List datasets and files in `folder` and below.

        A dataset has folders of splits, or several files of one structure in one folder. Files
        of several structures, of grids or times, are sources by themselves.
        """
        found: list[Path] = []
        taken: set[Path] = set()
        looked_at = 0
        for path in walk(folder, exclude):
            looked_at += 1
            if path.is_dir():
                files = _files(path)
                is_part = path != folder and bool(_split_of(path / "any"))
                is_whole = len(files) > 1 and not is_part and not taken.issuperset(files)
                if is_whole and self.recognizes(path):
                    found.append(path)
                    taken.update(files)
            elif path not in taken and _is_well(path):
                found.append(path)
        if not found:
            raise NothingFoundError(
                f"{folder} holds no file in the layout of The Well "
                f"({looked_at} files and folders looked at).",
                remedy="Put datasets of The Well there, or name another folder or reader.",
            )
        return found

    def open(self, path: Path) -> Source:
        """Read the headers of a file, or of all files of a dataset.

        Raises:
            DataError: a file is damaged, has another layout, or has another structure
                than the rest of the dataset.
            ConfigError: an option names a field or an axis that there is not.
        """
        if not path.is_dir():
            return _open(path, self.options)
        files = _files(path)
        if not files:
            raise DataError(
                f"{path} holds no HDF5 file, neither directly nor in data/train, data/valid "
                "or data/test.",
                remedy="Name the folder of one dataset of The Well, or one of its files.",
            )
        return self._join(path, files)

    def _join(self, path: Path, files: list[Path]) -> Source:
        """Make the files of a dataset one source, with names that tell files of one name apart."""
        sources = opened_parts(files, partial(_open, options=self.options))
        datasets = sorted({source.dataset for source in sources})
        if len(datasets) > 1:
            raise DataError(
                f"{path} holds files of several datasets: {', '.join(datasets)}.",
                remedy="Put each dataset into a folder of its own.",
            )
        joined = Joined(path, sources)
        names = tuple(
            f"{file.parent.relative_to(path) / stem(file.name)}/{name}".removeprefix("data/")
            for file, source in zip(files, sources, strict=True)
            for name in source.header.sample_names
        )
        joined.header = replace(joined.header, sample_names=names)
        return joined


def _open(path: Path, options: ReaderOptions) -> WellSource:
    source = open_file(path)
    header = source.header
    split = _split_of(path)
    source.header = replace(
        header,
        splits=(split,) * len(header.sample_names) if split else (),
        directed=chosen("directed", options.directed, header.spec.grid.axes),
        conserved=chosen("conserved", options.conserved, header.spec.names),
    )
    return source


def _files(folder: Path) -> list[Path]:
    """HDF5 files of a dataset: in its folders of splits, or directly in the folder."""
    for place in (folder / "data", folder):
        splits = [place / name for name in SPLITS if (place / name).is_dir()]
        if found := [path for split in splits for path in _data_in(split)]:
            return found
    return _data_in(folder)


def _data_in(folder: Path) -> list[Path]:
    return [
        path
        for path in entries_of(folder)
        if path.suffix != ".partial" and path.is_file() and is_hdf5(path)
    ]


def _split_of(file: Path) -> str:
    """The split that a file belongs to, by the folders it lies in; none elsewhere."""
    folder = Path(os.path.abspath(file)).parent  # a relative path need not name them
    is_dataset = folder.parent.name == "data" or any(
        (folder.parent / name).is_dir() for name in SPLITS if name != folder.name
    )
    return SPLITS.get(folder.name, "") if is_dataset else ""


def _is_well(path: Path) -> bool:
    if not is_hdf5(path):
        return False
    with open_hdf5(path) as file:
        return is_well(file)
