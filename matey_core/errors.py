"""Every failure that a user can cause or cure: what, where, expected, found, remedy."""

import re
from collections.abc import Sequence

DISTRIBUTION = "matey-fm"
"""What to install; `matey` is another project's name on PyPI."""


def install_extra(extra: str) -> str:
    """Give the command that brings the packages of an extra of pyproject.toml."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


_LONG_NUMBER = re.compile(r"\d{41,}|\d{1,3}(?:,\d{3}){13,}")
_LONG_WORD = re.compile(r"\S{2001,}")
"""Longer than any path; damaged files have words of megabytes."""


def brief(text: str) -> str:
    """Cut numbers of more than 40 digits, and words of more than 2,000 characters."""

    def cut_number(found: re.Match[str]) -> str:
        return f"{found[0][:6]}…({len(found[0].replace(',', '')):,} digits)"

    def cut_word(found: re.Match[str]) -> str:
        return f"{found[0][:200]}…({len(found[0]):,} characters)"

    return _LONG_WORD.sub(cut_word, _LONG_NUMBER.sub(cut_number, text))


class MateyError(Exception):
    """What went wrong, with the values seen; then, if we know it, what to do.

    Write the problem as one or two sentences that name the setting or file,
    what was expected and what was found. Write the remedy as an instruction.
    """

    exit_code = 2
    """2: wrong usage or input. Failures of the work itself use 1."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(brief(problem))
        self.remedy = brief(remedy)


class ConfigError(MateyError):
    """A setting, option or name that cannot work."""


class DataError(MateyError):
    """A source file or store that is not what it should be."""


MOST_TOLD = 20
"""So many errors are shown as one."""


def combined(errors: Sequence[DataError]) -> DataError:
    """Say what several errors say as one, and each reason once; a lone one stays as it is."""
    if len(errors) == 1:
        return errors[0]
    more = f" And {len(errors) - MOST_TOLD} more." if len(errors) > MOST_TOLD else ""
    places: dict[str, list[str]] = {}
    for error in errors[:MOST_TOLD]:
        place, colon, reason = str(error).partition(": ")
        places.setdefault(colon + reason, []).append(place)
    told = " ".join(f"{', '.join(dict.fromkeys(named))}{why}" for why, named in places.items())
    remedies = dict.fromkeys(error.remedy for error in errors[:MOST_TOLD] if error.remedy)
    return DataError(
        f"{len(errors)} files or sources cannot be read. {told}{more}", remedy=" ".join(remedies)
    )


class NothingFoundError(DataError):
    """A place where all can be read, and nothing is what was looked for."""


class ShapeError(MateyError):
    """Sizes that do not fit together: a grid and a patch, a field and a model."""


class CheckpointError(MateyError):
    """A run, checkpoint or model directory that cannot be trusted or does not match."""


class RunError(MateyError):
    """The work was well asked for and failed: a full disk, a diverged loss."""

    exit_code = 1


class MateyWarning(UserWarning):
    """Something worth knowing that is no failure; the command line shows it as a note."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or another signal during long work; its text says what remains."""

    def __init__(self, remains: str, *, is_kept: bool = True, exit_code: int = 130) -> None:
        """Say what remains, whether the work can go on from it, and how the command ends."""
        super().__init__(remains)
        self.is_kept = is_kept
        self.exit_code = exit_code
