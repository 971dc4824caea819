"""Whether a number meets a limit, for numbers that a rule thinks up."""

from chaos_runner.experiment.model import Comparison, Limit


def meets(limit: Limit, value: float) -> bool:
    """As the engine would judge it. False for a limit that is not a number."""
    bounds = limit.bounds
    if not bounds or not all(isinstance(bound, int | float) for bound in bounds):
        return False
    match limit.comparison:
        case Comparison.BELOW:
            return bool(value < bounds[0])
        case Comparison.AT_MOST:
            return bool(value <= bounds[0])
        case Comparison.ABOVE:
            return bool(value > bounds[0])
        case Comparison.AT_LEAST:
            return bool(value >= bounds[0])
        case Comparison.EQUALS:
            return bool(value == bounds[0])
        case Comparison.BETWEEN:
            return bool(bounds[0] <= value <= bounds[-1])
