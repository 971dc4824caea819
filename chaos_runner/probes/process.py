"""How many processes of this machine are at work."""

from chaos_runner.contracts import NoData, Reading, probe
from chaos_runner.errors import Refused
from chaos_runner.targets.host import ProcessFilter, matching
from chaos_runner.units import Unit


@probe(ProcessFilter, Unit.COUNT, example={"arguments": {"name": "nginx"}, "at-least": 1})
def running(arguments: ProcessFilter) -> Reading:
    """How many processes match and are able to run: neither stopped nor ended.

    None is the number 0, not an error. chaos-runner itself and what started it are not counted. Raises NoData when the
    question makes no sense.
    """
    try:
        found = matching(arguments)
    except Refused as error:
        raise NoData(str(error)) from error
    stopped = [process.label for process in found if process.state == "stopped"]
    note = f"stopped: {', '.join(stopped[:3])}" if stopped else ""
    return Reading(value=len(found) - len(stopped), note=note)
