"""A process that empties an outbox: `sender.py DATABASE URL`. It is there to be killed."""

import sys
import time

from chaos_runner.daemon.delivering import Deliverer
from chaos_runner.notify.channel import Channel
from chaos_runner.notify.ways.webhook import Settings

if __name__ == "__main__":
    database, url = sys.argv[1:]
    channel = Channel(key="a", way="webhook", settings=Settings(webhook=url))
    Deliverer(database, lambda: {"a": channel}, lambda line: print(line, flush=True)).start()
    time.sleep(60)
