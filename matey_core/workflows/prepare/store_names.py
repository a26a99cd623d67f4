"""Which store each source goes to."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from matey_core.locations import own_name

NAMELESS = "data"
"""Store of a source without a name: the root folder, or a file called `.h5`."""


def store_names(
    sources: Sequence[Path],
    root: Path,
    *,
    known: Mapping[Path, str],
    taken: Collection[str],
    stem: Callable[[str], str],
) -> dict[Path, str]:
    """Give every source a name of its own: its file's, with parent folders where needed.

    Args:
        sources: files below `root`, or `root` itself.
        root: where the parent folders begin that a name may take in.
        known: sources whose store exists, and its name, which they keep.
        taken: names of stores that exist.
        stem: takes the suffix from a file's name.
    """
    names = dict(known)
    used = {*taken, *known.values()}
    same: dict[str, list[Path]] = defaultdict(list)
    for source in sources:
        if source not in known:
            same[stem(own_name(source)) or NAMELESS].append(source)
    for short, group in same.items():
        chosen = _distinct(short, group, root, used)
        names.update(zip(group, chosen, strict=True))
        used.update(chosen)
    return names


def relative_to(source: Path, root: Path) -> str:
    """A source's path below `root`, with forward slashes."""
    return own_name(source) if source == root else source.relative_to(root).as_posix()


def _distinct(short: str, group: Sequence[Path], root: Path, used: set[str]) -> list[str]:
    parents = [Path(relative_to(source, root)).parent.parts for source in group]
    for depth in range(max(map(len, parents)) + 1):
        names = ["-".join((*parts[-depth:][:depth], short)) for parts in parents]
        if len(set(names)) == len(names) and not used.intersection(names):
            return names
    # Files of one folder that differ in the suffix only.
    numbers = (f"{short}-{number}" for number in range(2, len(group) + len(used) + 3))
    free = (name for name in numbers if name not in used)
    return [next(free) for _ in group]
