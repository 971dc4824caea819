"""Writing files that were not there. What is there is never overwritten."""

from pathlib import Path

from chaos_runner.errors import UsageError


def written(file: Path, text: str) -> bool:
    """Whether the file was made; False when something of that name is there, which stays as it is. Raises UsageError.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError:
        return False
    except OSError as problem:
        raise UsageError(f"{file} cannot be written: {problem.strerror}") from problem
    return True
