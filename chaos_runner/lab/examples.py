"""Where the numbered experiments are: in the repository's folder, or in the package that was built from it."""

from pathlib import Path


def example(name: str) -> Path:
    """The file of an example. Raises FileNotFoundError with the places that were looked at."""
    package = Path(__file__).parent
    places = [package.parent.parent / "experiments", package / "experiments"]
    for place in places:
        if (place / name).is_file():
            return place / name
    raise FileNotFoundError(f"{name} is in none of {', '.join(map(str, places))}")
