"""A schedule as a CronJob of Kubernetes, as far as one can say it.

A CronJob knows cron text, a zone and whether two may run at once; of hours, holidays, blackouts and jitter it knows
nothing. So its container first asks `schedule due`, which does, and ends quietly where the occurrence is skipped.
"""

import math
import re
import shlex
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import UsageError
from chaos_runner.schedule.cron import NAMES
from chaos_runner.schedule.model import ByCron, Overlap, Schedule

LATE_S: Final = 300
"""How late Kubernetes may start what is due: its controller looks every ten seconds, and pods need some time."""
GRACE_S: Final = 300
NAME_MAX: Final = 52
"""Of a CronJob: its Jobs are called as it is, with eleven characters more."""
_PLAIN: Final = re.compile(r"[-*/,0-9A-Za-z]+")
_CONCURRENCY: Final = {Overlap.SKIP: "Forbid", Overlap.QUEUE_ONE: "Forbid", Overlap.REPLACE: "Replace"}


class Place(Struct, frozen=True, kw_only=True):
    """Where the job runs: the image that holds the project, its folder in there, and who it is."""

    image: str
    folder: str = "/work"
    namespace: str = ""
    service_account: str = ""


def cronjob(schedule: Schedule, place: Place) -> dict[str, Any]:
    """The manifest. Raises UsageError for what no CronJob can say."""
    if not isinstance(schedule.when, ByCron):
        raise UsageError(f"{schedule.file}: only `cron` can be a CronJob, and this goes {schedule.when.words}")
    name = re.sub(r"[^a-z0-9-]+", "-", schedule.name.lower()).strip("-")[:NAME_MAX].strip("-")
    metadata = {"name": name or "chaos", "labels": {"app.kubernetes.io/name": "chaos-runner"},
                **({"namespace": place.namespace} if place.namespace else {})}
    late_s = max(LATE_S, int(schedule.missed_within_s or 0))
    spec = {"schedule": _text(schedule, schedule.when.text), "timeZone": schedule.timezone,
            "suspend": not schedule.enabled, "concurrencyPolicy": _CONCURRENCY[schedule.overlap],
            "startingDeadlineSeconds": late_s, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": _job(schedule, place, late_s)}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


def _job(schedule: Schedule, place: Place, late_s: int) -> dict[str, Any]:
    """It is tried once: a run that was cut short must never inject again by itself. Its end leaves time to undo."""
    container = {"name": "run", "image": place.image, "workingDir": place.folder, "command": ["/bin/sh", "-c"],
                 "args": [script(schedule, late_s)]}
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": GRACE_S, "containers": [container],
           **({"serviceAccountName": place.service_account} if place.service_account else {})}
    most_s = math.ceil(schedule.longest_s + schedule.jitter_s) + late_s + GRACE_S
    return {"backoffLimit": 0, "activeDeadlineSeconds": most_s,
            "ttlSecondsAfterFinished": 604_800, "template": {"spec": pod}}


def script(schedule: Schedule, late_s: int) -> str:
    """Asks whether it is due, and becomes the run, so that this has the signal when the pod is ended."""
    due = shlex.join(["chaos-runner", "schedule", "due", schedule.file, "--within", f"{late_s}s", "--wait"])
    run = shlex.join(["chaos-runner", "run", schedule.experiment, "--yes",
                      *(["--env", schedule.env] if schedule.env else []),
                      *(["--gates", schedule.file] if schedule.gates else [])])
    return f"{due}; case $? in 0) exec {run} ;; 3) exit 0 ;; *) exit 2 ;; esac"


def _text(schedule: Schedule, text: str) -> str:
    """Kubernetes reads plain fields as Vixie's cron does, and of the rest only the names."""
    plain = NAMES.get(text.strip().lower(), text)
    if any(not _PLAIN.fullmatch(field) or "L" in field.upper().replace("JUL", "") for field in plain.split()):
        raise UsageError(f"{schedule.file}: Kubernetes does not know all of the cron text {text!r}: L, #, ? and + are "
                         "beyond it")
    *others, weekday = plain.split()
    if re.search(r"(?<!/)7", weekday):
        raise UsageError(f"{schedule.file}: Kubernetes calls Sunday 0 and not 7: write it so in {text!r}")
    return " ".join([*others, weekday])
