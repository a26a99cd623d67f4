"""Which store each source goes to."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path


def store_names(
    sources: Sequence[Path],
    root: Path,
    *,
    existing: Mapping[str, str],
    stem: Callable[[str], str],
) -> dict[Path, str]:
    """Give every source a name of its own: its file's, with parent folders where needed.

    Args:
        sources: files below `root`, or `root` itself.
        root: where the parent folders begin that a name may take in.
        existing: relative source -> name of the store that was made from it before.
            Such a source keeps its name, and no other source gets it.
        stem: takes the suffix from a file's name.
    """
    names: dict[Path, str] = {}
    same: dict[str, list[Path]] = defaultdict(list)
    for source in sources:
        if (relative := relative_to(source, root)) in existing:
            names[source] = existing[relative]
        else:
            same[stem(source.name)].append(source)
    taken = set(existing.values())
    for short, group in same.items():
        for source, name in zip(group, _distinct(short, group, root, taken), strict=True):
            names[source] = name
            taken.add(name)
    return names


def relative_to(source: Path, root: Path) -> str:
    """A source's path below `root`, with forward slashes."""
    return source.name if source == root else source.relative_to(root).as_posix()


def _distinct(short: str, group: Sequence[Path], root: Path, taken: Collection[str]) -> list[str]:
    parents = [Path(relative_to(source, root)).parent.parts for source in group]
    for depth in range(max(map(len, parents)) + 1):
        names = ["-".join((*parts[len(parts) - depth :], short)) for parts in parents]
        if len(set(names)) == len(names) and not taken.intersection(names):
            return names
    # Files of one folder that differ in the suffix only.
    numbers = (f"{short}-{number}" for number in range(2, len(group) + len(taken) + 3))
    free = (name for name in numbers if name not in taken)
    return [next(free) for _ in group]
