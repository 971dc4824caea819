"""Builds the whole world where the environment leads: `python -m chaos_runner.lab.aws.world`."""

from chaos_runner.lab.aws.world import compute, containers, databases, edge, functions, network, stores
from chaos_runner.targets.aws.access import account


def main() -> None:
    """Makes everything, what others stand on first."""
    at = account()
    ground = network.make(at)
    compute.make(at, ground)
    containers.make(at)
    databases.make(at, ground)
    functions.make(at)
    stores.make(at)
    edge.make(at)


if __name__ == "__main__":
    main()
