"""A leash: a run that was started for somebody stops and undoes when that somebody is gone, however that happens.

As the watchdog of a run it is a shell that waits for the end of a pipe, and it costs a tenth of a megabyte. It only
asks the run to stop; the run undoes, and its own watchdog stands behind it.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_SCRIPT: Final = 'trap "" HUP INT QUIT TERM; read -r word; [ "$word" = over ] || kill -TERM "$1"'
_NAME: Final = "chaos-runner-leash"


@contextmanager
def leashed(pid: int) -> Iterator[None]:
    """While this lasts, our death is a SIGTERM for that process. Raises OSError when there can be no leash."""
    heard, held = os.pipe()
    try:
        shell = subprocess.Popen(["/bin/sh", "-c", _SCRIPT, _NAME, str(pid)], stdin=heard, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        os.close(held)
        raise
    finally:
        os.close(heard)
    try:
        yield
    finally:
        with suppress(OSError):
            os.write(held, b"over\n")
        os.close(held)
        shell.wait()
