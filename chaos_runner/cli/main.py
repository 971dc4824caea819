"""The command `chaos-runner`. Importing this imports click and nothing else of others'; each command is imported when
it is called.
"""

import gc
import os
import sys
from functools import cache
from importlib import import_module
from typing import Final

import click

from chaos_runner import __version__

COMMANDS: Final = {
    "run": "Run experiments: inject the faults, undo them, judge.",
    "ci": "Run many experiments for a build, with one answer.",
    "init": "Make a folder for experiments, with a first one.",
    "new": "Write an experiment with a fault to begin with.",
    "plan": "Show whom an experiment would hit, and how that comes back.",
    "policy": "Print the least rights that an experiment needs.",
    "validate": "Say everything that is wrong with experiment files.",
    "schedule": "When experiments run by themselves: what is due, what is skipped, and why.",
    "daemon": "Run what the schedules say, when they say it.",
    "gameday": "Play a game day: an agenda of experiments, steps and go/no-go questions.",
    "notify": "Who is told of what schedules do: try their channels out.",
    "recover": "Undo what a dead runner left behind.",
    "doctor": "Look over a platform for what chaos left there, ours or others'.",
    "stop": "Ask a run to stop and undo, and wait for it.",
    "show": "Show the outcome of a run.",
    "history": "List the runs, newest first.",
    "ack": "Let what failed in production run again on its own.",
    "diff": "Say what is different between two runs.",
    "trend": "Show how an experiment has gone, run by run.",
    "postmortem": "Begin a postmortem of a run, its timeline filled in.",
    "export": "Pack a run into one file that shows any change.",
    "verify": "Say whether a run or a bundle is as it was written.",
    "report": "Write the reports of a run again, from its journal.",
    "demo": "Start a small shop on this machine and run two experiments on it.",
    "lab": "Throw-away targets on this machine.",
    "proxy": "A TCP proxy that can slow and cut connections.",
    "faults": "List the faults, with their arguments and units.",
    "probes": "List the probes, with their arguments and units.",
    "schema": "Print the JSON Schema of experiments and of the other files.",
    "explain": "Explain a code such as E101 or V201.",
    "completion": "Print the completion script of a shell.",
}


COMPLETE: Final = "_CHAOS_RUNNER_COMPLETE"
"""Set by the shells' completion scripts when they ask what may follow."""


def _no_color() -> click.Option:
    """An option of every command, and before it. It does what NO_COLOR does, for the processes that we start too."""

    def chosen(_: click.Context, __: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's
        if value:
            os.environ["NO_COLOR"] = "1"

    return click.Option(["--no-color"], is_flag=True, is_eager=True, expose_value=False, callback=chosen,
                        help="Write without colour, as with NO_COLOR=1.")


class Commands(click.Group):
    """Commands that are imported when they are called; their help line stands above, so that --help needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        if cmd_name not in COMMANDS:
            return None
        command = _imported(cmd_name)
        if COMPLETE in os.environ:
            from chaos_runner.cli.completing import teach

            teach(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@cache
def _imported(name: str) -> click.Command:
    command: click.Command = import_module(f"chaos_runner.cli.{name}").command
    _look_for_garbage_from_here_on()
    command.params.append(_no_color())
    return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="chaos-runner")
def cli() -> None:
    """Chaos experiments that never leave a fault behind and never say green without proof.

    Exit codes: 0 passed, 1 deviated (a weakness), 2 usage or invalid file, 3 not started, 4 aborted, 5 error or
    inconclusive, 6 something is not restored (outranks all others), 130/143/129/131 interrupted by a signal.
    """


cli.params.append(_no_color())


def main() -> None:
    """The entry point. A user's mistake ends in a message and an exit code, never in a traceback.

    Python's own exit code for an uncaught error is 1, which here says "deviated": so nothing is left uncaught.
    """
    gc.disable()  # until the command is imported
    from chaos_runner.errors import ChaosRunnerError

    _open_standard_files()
    try:
        sys.exit(cli(prog_name="chaos-runner", standalone_mode=False))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.UsageError as problem:
        problem.show()
        sys.exit(2)
    except (click.ClickException, ChaosRunnerError) as problem:
        _say_error(str(problem))
        sys.exit(getattr(problem, "exit_code", 2) if isinstance(problem, ChaosRunnerError) else 2)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as bug:  # noqa: BLE001 -- see above
        _say_bug(bug)
        sys.exit(70)
    finally:
        gc.freeze()  # an end that looks for cycles in all that was read would take as long as reading it


def _look_for_garbage_from_here_on() -> None:
    """What is imported stays: to look through it for garbage would take a fifteenth of a short command's time."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _open_standard_files() -> None:
    """Where one of the three was closed, the next file to be opened would take its place, and get what is printed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w"))


def _say_error(text: str) -> None:
    from chaos_runner.cli.ink import err_ink

    click.echo(f"{err_ink().red('error')}: {text}", err=True)


def _say_bug(bug: Exception) -> None:
    import traceback

    click.echo("".join(traceback.format_exception(bug)), err=True)
    _say_error(f"this is a bug in chaos-runner ({type(bug).__name__}); please report it with the lines above")
