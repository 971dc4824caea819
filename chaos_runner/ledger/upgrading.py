"""Tables of an older shape are brought to today's where they stand, with all that is in them."""

from typing import Final

from sqlalchemy import Connection, select

from chaos_runner.ledger.tables import ABOUT, VERSION

_STEPS: Final = {
    # The order of letters was their instant's, and two within a millisecond had none.
    1: ("ALTER TABLE outbox ADD COLUMN number INTEGER NOT NULL DEFAULT 0",
        "DROP INDEX outbox_by_channel",
        "CREATE INDEX outbox_by_channel ON outbox (told, given_up, channel, tries, number)",
        "CREATE INDEX outbox_by_number ON outbox (number)"),
}
"""What each version lacks of the next, in both kinds of database."""


def upgrade(connection: Connection) -> int:
    """Brings the tables to this version, and gives the version that they have now: of a newer one nothing is touched.
    New tables are of this version.
    """
    found = connection.execute(select(ABOUT.c.version)).scalar()
    if found is None:
        connection.execute(ABOUT.insert().values(version=VERSION))
        return VERSION
    for version in range(found, VERSION):
        for statement in _STEPS[version]:
            connection.exec_driver_sql(statement)
        connection.execute(ABOUT.update().values(version=version + 1))
    return max(int(found), VERSION)
