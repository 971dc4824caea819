"""`chaos-runner lab kubernetes up|down|status`"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from chaos_runner.cli.as_json import json_option, print_json

if TYPE_CHECKING:
    from chaos_runner.lab.kubernetes.building import Step
    from chaos_runner.lab.kubernetes.state import Lab


@click.group()
def kubernetes() -> None:
    """A Kubernetes of its own: a real control plane, and nodes that are real or simulated."""


_name = click.option("--name", default="lab", show_default=True, help="Which lab; each has a state of its own.")
_simulated = click.option("--simulated", is_flag=True,
                          help="Simulated nodes only, whose pods are objects: needs no root.")


@kubernetes.command()
@_name
@_simulated
@click.option("--nodes", type=click.IntRange(0, 1000), metavar="N",
              help="How many simulated nodes, in zones a, b and c in turn: 3 with --simulated, else none beside the "
                   "real one.")
@json_option
def up(name: str, nodes: int | None, *, simulated: bool, as_json: bool) -> None:
    """Open the lab, or say where the open one is.

    With --simulated: a control plane and simulated nodes. Without, on Linux and as root: a node whose pods really run,
    with a small shop on it. The first time, its programs are built from Go modules, which takes some minutes.
    """
    from chaos_runner.lab.kubernetes import lab as labs
    from chaos_runner.lab.kubernetes.state import Pods, folder_of

    pods = Pods.SIMULATED if simulated else Pods.REAL
    wanted = labs.Wanted(pods, nodes if nodes is not None else 3 if simulated else 0)
    opened = labs.up(folder_of(name), wanted, _Progress())
    if as_json:
        print_json(_told(opened))
        return
    click.echo(f"export KUBECONFIG={opened.kubeconfig}" + (f" SHOP_URL={opened.shop}" if opened.shop else ""))
    click.echo(f"Kubernetes {opened.version} is up: {opened.nodes} {'node' if opened.nodes == 1 else 'nodes'}, "
               f"{opened.pods} pods. Export what stands above.\n"
               f"Close it with: chaos-runner lab kubernetes down --name {name}", err=True)


@kubernetes.command()
@_simulated
def build(*, simulated: bool) -> None:
    """Build what `up` needs, and open nothing: for a machine that is prepared, or a cache in CI."""
    from chaos_runner.lab.kubernetes import programs
    from chaos_runner.lab.kubernetes.building import build as build_programs

    wanted = programs.SIMULATED if simulated else programs.ALL
    build_programs(wanted, _Progress())
    click.echo(f"{len(wanted)} programs are in {programs.cache()}")


@kubernetes.command()
@_name
@json_option
def down(name: str, *, as_json: bool) -> None:
    """Close the lab: end its processes, and no others, and remove what it kept."""
    from chaos_runner.lab.kubernetes import lab as labs
    from chaos_runner.lab.kubernetes.state import folder_of

    was_there = folder_of(name).exists()
    ended = labs.down(folder_of(name))
    if as_json:
        print_json({"ended": ended})
    elif ended:
        click.echo(f"ended {', '.join(ended)}")
    else:
        click.echo(f"nothing of lab {name} ran any more; what it left is removed" if was_there else
                   f"there was no lab {name}")


@kubernetes.command()
@_name
@json_option
def status(name: str, *, as_json: bool) -> None:
    """Say which of the lab's processes run, are stopped, or are gone."""
    from chaos_runner.lab.kubernetes import lab as labs
    from chaos_runner.lab.kubernetes.state import folder_of, read

    folder = folder_of(name)
    opened, states = read(folder), labs.status(folder)
    if as_json:
        print_json({**(_told(opened) if opened else {}), "parts": states})
        return
    click.echo("\n".join(f"{part:<24} {state}" for part, state in states.items()) or f"there is no lab {name}")
    if opened and opened.kubeconfig:
        click.echo(f"export KUBECONFIG={opened.kubeconfig}")


def _told(lab: "Lab") -> dict[str, Any]:
    told = {name: getattr(lab, name) for name in ("name", "kubeconfig", "nodes", "version", "pods")}
    return told | ({"shop": lab.shop} if lab.shop else {})


class _Progress:
    """How far the building is: one line that changes on a terminal, else a line at the start and every half minute."""

    _EVERY_S = 30.0

    def __init__(self) -> None:
        self._next_s = 0.0
        self._moves = sys.stderr.isatty()

    def __call__(self, steps: Sequence["Step"]) -> None:
        elapsed_s = max(step.elapsed_s for step in steps)
        over = all(step.done for step in steps)
        line = f"{'built' if over else 'building'} {' and '.join(_spoken(step) for step in steps)}"
        if self._moves:
            click.echo(f"\r\x1b[2K{line}", nl=over, err=True)
        elif over or elapsed_s >= self._next_s:
            click.echo(line, err=True)
            self._next_s = elapsed_s + self._EVERY_S


def _spoken(step: "Step") -> str:
    minutes, seconds = divmod(int(step.elapsed_s), 60)
    how = "" if step.done else f", {step.packages} packages compiled"
    return f"{step.program.what} ({minutes}:{seconds:02}{how})"
