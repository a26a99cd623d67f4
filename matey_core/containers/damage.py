"""What libraries find wrong in a file, as one kind of error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matey_core.errors import DataError, MateyError


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever the libraries find wrong in a file into a DataError."""
    try:
        yield
    except MateyError:
        raise
    # The libraries meet damaged files with errors of all kinds, down to AssertionError.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{path} is damaged, or has a form that cannot be read: {reason[:300]}.",
            remedy="Download or copy it again.",
        ) from error
