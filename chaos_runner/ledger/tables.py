"""The tables, in SQLite or in PostgreSQL. Instants are text, RFC 3339 in UTC, which sorts; a daemon's lease is a number
of seconds by the database's own clock, so that no machine's clock decides who is dead.
"""

from typing import Final

from sqlalchemy import Column, Float, Index, Integer, MetaData, Table, Text

VERSION: Final = 2
"""Of the tables' shape. A ledger of an older one is brought to it, one of a newer one refused."""

METADATA: Final = MetaData()

ABOUT: Final = Table("about", METADATA, Column("version", Integer, primary_key=True))

OCCURRENCES: Final = Table(
    "occurrences", METADATA,
    Column("schedule", Text, primary_key=True),
    Column("due", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("starts", Text, nullable=False),
    Column("ends", Text, nullable=False, server_default=""),
    Column("experiment", Text, nullable=False, server_default=""),
    Column("env", Text, nullable=False, server_default=""),
    Column("why", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("asked_by", Text, nullable=False, server_default=""),
    Column("grounds", Text, nullable=False, server_default="[]"),
    Column("daemon", Text, nullable=False, server_default=""),
    Column("host", Text, nullable=False, server_default=""),
    Column("claimed", Text, nullable=False, server_default=""),
    Column("run", Text, nullable=False, server_default=""),
    Column("began", Text, nullable=False, server_default=""),
    Column("ended", Text, nullable=False, server_default=""),
    Column("stop", Text, nullable=False, server_default=""),
    Column("again", Text, nullable=False, server_default=""),
    Column("verdict", Text, nullable=False, server_default=""),
    Column("exit", Integer, nullable=False, server_default="-1"),
    Column("restored", Text, nullable=False, server_default=""),
    Column("recovered_by", Text, nullable=False, server_default=""),
)
Index("occurrences_by_state", OCCURRENCES.c.state, OCCURRENCES.c.starts)

SCHEDULES: Final = Table(
    "schedules", METADATA,
    Column("name", Text, primary_key=True),
    Column("since", Text, nullable=False),
    Column("enabled", Integer, nullable=False),
)

DAEMONS: Final = Table(
    "daemons", METADATA,
    Column("daemon", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", Text, nullable=False),
    Column("seen_s", Float, nullable=False),
    Column("state", Text, nullable=False),
)

PAUSES: Final = Table(
    "pauses", METADATA,
    Column("pause", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("lifted", Text, nullable=False, server_default=""),
    Column("lifted_by", Text, nullable=False, server_default=""),
)

OUTBOX: Final = Table(
    "outbox", METADATA,
    Column("notice", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("queued_s", Float, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("told", Text, nullable=False, server_default=""),
    Column("given_up", Text, nullable=False, server_default=""),
    Column("problem", Text, nullable=False, server_default=""),
    Column("number", Integer, nullable=False, server_default="0"),
)
Index("outbox_by_channel", OUTBOX.c.told, OUTBOX.c.given_up, OUTBOX.c.channel, OUTBOX.c.tries, OUTBOX.c.number)
Index("outbox_by_number", OUTBOX.c.number)

CHANNELS: Final = Table(
    "channels", METADATA,
    Column("channel", Text, primary_key=True),
    Column("free_s", Float, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("problem", Text, nullable=False),
)
