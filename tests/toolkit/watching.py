"""A control that writes down every call, and can change things, raise, or stop the run."""

from typing import Any

from chaoslib.exceptions import InterruptExecution

CALLS: list[str] = []


def configure_control(experiment: Any, configuration: Any, tag: str = "c", **_: Any) -> None:
    """Called once."""
    CALLS.append(f"configure {tag} {sorted(configuration)} {experiment['title']}")


def cleanup_control() -> None:
    """Called once."""
    CALLS.append("cleanup")


def _called(moment: str, context: Any, state: Any, tag: str) -> None:
    name = context if isinstance(context, str) else context.get("name") or context.get("title")
    CALLS.append(f"{tag}: {moment} {name}{_told(state)}")


def _told(state: Any) -> str:
    if isinstance(state, dict):
        return f" {state.get('status', state.get('steady_state_met'))}"
    return f" {len(state)} of them" if isinstance(state, list) else ""


def before_experiment_control(context: Any, configuration: Any, tag: str = "c", change: Any = None,
                              stop_at: str = "") -> None:
    """Puts `change` into the configuration."""
    _called("before experiment", context, None, tag)
    configuration.update(change or {})
    _stop(stop_at, context["title"])


def after_experiment_control(context: Any, state: Any, tag: str = "c", **_: Any) -> None:
    _called("after experiment", context, state, tag)


def before_hypothesis_control(context: Any, tag: str = "c", **_: Any) -> None:
    _called("before hypothesis", context, None, tag)


def after_hypothesis_control(context: Any, state: Any, tag: str = "c", **_: Any) -> None:
    _called("after hypothesis", context, state, tag)


def before_method_control(context: Any, tag: str = "c", **_: Any) -> None:
    _called("before method", context, None, tag)


def after_method_control(context: Any, state: Any, tag: str = "c", **_: Any) -> None:
    _called("after method", context, state, tag)


def before_rollback_control(context: Any, tag: str = "c", **_: Any) -> None:
    _called("before rollback", context, None, tag)


def after_rollback_control(context: Any, state: Any, tag: str = "c", **_: Any) -> None:
    _called("after rollback", context, state, tag)


def before_activity_control(context: Any, tag: str = "c", stop_at: str = "", rename: str = "", fail: str = "",
                            dry: str = "", **_: Any) -> None:
    """Stops at the activity of one name, changes that of another, raises at a third, makes a fourth dry."""
    from chaoslib.types import Dry

    _called("before activity", context, None, tag)
    _stop(stop_at, context["name"])
    if context["name"] == rename:
        context["provider"]["arguments"]["name"] = "renamed"
    if context["name"] == dry:
        context["dry"] = Dry.ACTIVITIES
    if context["name"] == fail:
        raise ValueError("a bug in a control")


def after_activity_control(context: Any, state: Any, tag: str = "c", **_: Any) -> None:
    _called("after activity", context, state, tag)


def _stop(at: str, name: str) -> None:
    if at == name:
        raise InterruptExecution(f"stopped at {name}")
