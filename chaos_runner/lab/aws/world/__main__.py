"""Builds the whole world where the environment leads: `python -m chaos_runner.lab.aws.world`."""

from chaos_runner.lab.aws.world import compute, containers, network
from chaos_runner.targets.aws.access import account


def main() -> None:
    """Makes everything, what others stand on first."""
    at = account()
    ground = network.make(at)
    compute.make(at, ground)
    containers.make(at)


if __name__ == "__main__":
    main()
