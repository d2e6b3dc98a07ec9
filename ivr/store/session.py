"""The unit of work: a transaction on SQLite or PostgreSQL, and what goes wrong with it in the house's words."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from ivr.core.errors import ChangedMeanwhile, RecordsUnavailable
from ivr.store.agent_calls import SqlAgentCalls
from ivr.store.agents import SqlAgents
from ivr.store.answers import SqlAnswers
from ivr.store.callbacks import SqlCallbacks
from ivr.store.calls import SqlCalls
from ivr.store.cases import SqlCases
from ivr.store.claims import SqlClaims
from ivr.store.customers import SqlCustomers
from ivr.store.facts import SqlFacts
from ivr.store.fetches import SqlFetches
from ivr.store.floor_row import SqlFloorRow
from ivr.store.flow_versions import SqlFlowVersions
from ivr.store.legs import SqlLegs
from ivr.store.link import Compiled, Link
from ivr.store.log import SqlCallLog
from ivr.store.promises import SqlPromises
from ivr.store.proofs import SqlProofs
from ivr.store.recordings import SqlRecordings
from ivr.store.switches import SqlSwitches
from ivr.store.tables import metadata
from ivr.store.texts import SqlTexts
from ivr.store.tickets import SqlTickets
from ivr.store.voicemails import SqlVoicemails
from ivr.store.write_ahead import WriteAheadLog, write_ahead
from ivr.switchboard.ports.records import Transaction
from ivr.switchboard.ports.world import Clock

BUSY = 2.0
"""Seconds a writer waits for its turn: less than the carrier waits for us."""

POSTGRESQL_OPTIONS = (
    "-c timezone=UTC -c statement_timeout=2500 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000"
)


TAKES_TURNS = ("40P01", "40001")
"""Deadlock and serialization failure: another attempt goes through (PostgreSQL, "Serialization Failure Handling")."""


class SchemaOutdated(RecordsUnavailable):
    """The database is older than this version; run `ivr db upgrade`."""


class Entangled(ChangedMeanwhile, RecordsUnavailable):
    """The database ended this transaction: it and another waited for one another, or changed the same."""


class SqlTransaction:
    """The ports of one transaction, each made when it is first asked for."""

    def __init__(self, link: Link, clock: Clock) -> None:
        self._link, self._clock = link, clock

    def witnessed(self) -> None:
        self._link.commit_soon()

    @property
    def calls(self) -> SqlCalls:
        return SqlCalls(self._link)

    @property
    def log(self) -> SqlCallLog:
        return SqlCallLog(self._link, self._clock.now)

    @property
    def facts(self) -> SqlFacts:
        return SqlFacts(self._link)

    @property
    def customers(self) -> SqlCustomers:
        return SqlCustomers(self._link)

    @property
    def cases(self) -> SqlCases:
        return SqlCases(self._link)

    @property
    def voicemails(self) -> SqlVoicemails:
        return SqlVoicemails(self._link)

    @property
    def promises(self) -> SqlPromises:
        return SqlPromises(self._link)

    @property
    def callbacks(self) -> SqlCallbacks:
        return SqlCallbacks(self._link)

    @property
    def agents(self) -> SqlAgents:
        return SqlAgents(self._link)

    @property
    def tickets(self) -> SqlTickets:
        return SqlTickets(self._link)

    @property
    def claims(self) -> SqlClaims:
        return SqlClaims(self._link)

    @property
    def legs(self) -> SqlLegs:
        return SqlLegs(self._link)

    @property
    def floor(self) -> SqlFloorRow:
        return SqlFloorRow(self._link)

    @property
    def fetches(self) -> SqlFetches:
        return SqlFetches(self._link)

    @property
    def flows(self) -> SqlFlowVersions:
        return SqlFlowVersions(self._link)

    @property
    def switches(self) -> SqlSwitches:
        return SqlSwitches(self._link)

    @property
    def proofs(self) -> SqlProofs:
        return SqlProofs(self._link)

    @property
    def answers(self) -> SqlAnswers:
        return SqlAnswers(self._link)

    @property
    def agent_calls(self) -> SqlAgentCalls:
        return SqlAgentCalls(self._link)

    @property
    def texts(self) -> SqlTexts:
        return SqlTexts(self._link)

    @property
    def recordings(self) -> SqlRecordings:
        return SqlRecordings(self._link)


class _Block:
    """``with`` block of one transaction. A class, not a generator: it stands in every turn."""

    __slots__ = ("_before", "_begin", "_connection", "_cursor", "_link", "_records", "_writes")

    _before: int
    _connection: Connection
    _cursor: Any
    _link: Link

    def __init__(self, records: SqlRecords, begin: str, writes: bool) -> None:
        self._records, self._begin, self._writes = records, begin, writes

    def __enter__(self) -> Transaction:
        records = self._records
        records.take_turn(self._writes)
        try:
            self._connection, self._cursor = records.begun(self._begin)
        except BaseException:
            records.end_turn(self._writes)
            raise
        self._before = records.changes(self._connection)
        self._link = Link(self._connection, self._cursor, records.compiled, self._writes)
        return SqlTransaction(self._link, records.clock)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        records = self._records
        try:
            if error is None:
                try:
                    self._cursor.execute("COMMIT")
                except records.driver_errors as refused:
                    self._undo(refused)
                    raise records.in_our_words(refused) from refused
                if records.changes(self._connection) != self._before:
                    records.committed()
            else:
                self._undo(error)
                if isinstance(error, (*records.driver_errors, SQLAlchemyError)):
                    raise records.in_our_words(error) from error
        finally:
            self._connection.close()
            records.end_turn(self._writes)
        if error is None and self._writes:
            records.put_on_disk(self._link.waits)

    def _undo(self, error: BaseException) -> None:
        try:
            self._cursor.execute("ROLLBACK")
        except self._records.driver_errors:
            # Nothing was committed, and a connection that cannot even roll back is of no more use.
            self._connection.invalidate(error)


class SqlRecords:
    """The port ``Records`` over one engine."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine, self.clock = engine, clock
        self.compiled = Compiled(engine.dialect)
        self._on_sqlite = engine.dialect.name == "sqlite"
        self._in_memory = isinstance(engine.pool, StaticPool)
        # SQLite has one writer at a time: among threads the next one is woken, among processes all sleep and look again
        # (sqlite.org/c3ref/busy_timeout.html). In memory there is one connection for all, readers too.
        self._turns = threading.Lock() if self._on_sqlite else None
        self._holder: int | None = None
        dbapi: Any = engine.dialect.loaded_dbapi
        self.driver_errors: tuple[type[Exception], ...] = (dbapi.Error,)
        self._any_error = (*self.driver_errors, SQLAlchemyError)
        file = engine.url.database
        self._log = WriteAheadLog(Path(file)) if self._on_sqlite and file and not self._in_memory else None

    def write(self) -> AbstractContextManager[Transaction]:
        """One writing transaction: short, with no network call in it.

        A call read with ``calls.at`` in here is held until the end, so read what is going to be moved in here.
        """
        return _Block(self, "BEGIN IMMEDIATE" if self._on_sqlite else "BEGIN", True)

    def read(self) -> AbstractContextManager[Transaction]:
        return _Block(self, "BEGIN" if self._on_sqlite else "BEGIN READ ONLY", False)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def begun(self, begin: str) -> tuple[Connection, Any]:
        """A connection with a transaction begun on it; one that died in the pool is replaced once."""
        try:
            return self._begin(begin)
        except self._any_error as first:
            if not self._lost(first):
                raise self.in_our_words(first) from first
            self.engine.dispose()
        try:
            return self._begin(begin)
        except self._any_error as second:
            raise self.in_our_words(second) from second

    def _begin(self, begin: str) -> tuple[Connection, Any]:
        connection = self.engine.connect()
        try:
            cursor = connection.connection.cursor()
            cursor.execute(begin)
        except BaseException as error:
            if self._lost(error):
                connection.invalidate(error)
            connection.close()
            raise
        return connection, cursor

    def _lost(self, error: BaseException) -> bool:
        """A pooled connection that cannot even begin; what ``connect`` itself refuses comes wrapped by SQLAlchemy."""
        dbapi: Any = self.engine.dialect.loaded_dbapi
        return not self._on_sqlite and isinstance(error, (dbapi.OperationalError, dbapi.InterfaceError))

    def in_our_words(self, error: BaseException) -> BaseException:
        """RecordsUnavailable for trouble with the database; a broken rule of ours stays what it is."""
        original = error.orig if isinstance(error, DBAPIError) else error
        dbapi: Any = self.engine.dialect.loaded_dbapi
        if _names_what_is_missing(original):
            return SchemaOutdated()
        if getattr(original, "sqlstate", None) in TAKES_TURNS:
            return Entangled()
        # A bare DatabaseError is SQLite's word for a file that is no database, or a damaged one.
        if (
            isinstance(original, (dbapi.OperationalError, dbapi.InterfaceError))
            or type(original) is dbapi.DatabaseError
        ):
            # The driver's words may hold an address with a password, or a caller's number: they stay in the cause.
            return RecordsUnavailable()
        if isinstance(error, SQLAlchemyError) and not isinstance(error, DBAPIError):
            return RecordsUnavailable()
        return error

    def changes(self, connection: Connection) -> int:
        """So many rows a connection has changed, where that tells us whether there is something to sync."""
        return int(connection.connection.dbapi_connection.total_changes) if self._on_sqlite else 0  # type: ignore[union-attr]

    def committed(self) -> None:
        """Rows changed: to be put on the disk, by us on SQLite."""
        if self._log is not None:
            self._log.committed()

    def put_on_disk(self, waits: bool) -> None:
        """What was committed to SQLite, by this block or by one that it has read: now, or as soon as the disk takes it.

        A turn that comes twice finds its answer on record, and changes nothing; what it tells must be as safe.

        Raises RecordsUnavailable where the disk refuses: it is committed, and may not outlive a power cut.
        """
        if self._log is None:
            return
        if not waits:
            self._log.sync_soon()
            return
        try:
            self._log.sync()
        except OSError as refused:
            raise RecordsUnavailable from refused

    def take_turn(self, writes: bool) -> None:
        """Wait until no other thread is in the way. Raises RecordsUnavailable after ``BUSY`` seconds."""
        if self._turns is None or not (writes or self._in_memory):
            return
        if self._holder == threading.get_ident():
            raise RuntimeError("a transaction is open in this thread; one at a time")
        if not self._turns.acquire(timeout=BUSY):
            raise RecordsUnavailable
        self._holder = threading.get_ident()

    def end_turn(self, writes: bool) -> None:
        if self._turns is not None and (writes or self._in_memory):
            self._holder = None
            self._turns.release()


def _names_what_is_missing(error: BaseException | None) -> bool:
    if getattr(error, "sqlstate", None) in ("42P01", "42703"):  # undefined table, undefined column
        return True
    words = str(error)
    return "no such table" in words or "no such column" in words or "has no column named" in words


def open_records(database_url: str, clock: Clock) -> SqlRecords:
    """The records at an address; nothing is asked of the database yet.

    ``sqlite://`` lies in memory, is there from the first statement and gone with the object.
    """
    records = SqlRecords(open_engine(database_url), clock)
    if isinstance(records.engine.pool, StaticPool):
        metadata.create_all(records.engine)
    return records


def open_engine(database_url: str) -> Engine:
    """An engine whose connections do not begin transactions by themselves: the session says BEGIN and COMMIT."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return _sqlite(database_url, in_memory=not url.database or url.database == ":memory:")
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            paramstyle="format",  # the busy statements go to the driver with their values in order
            pool_size=10,
            pool_use_lifo=True,  # the connection with the warmest cache
            max_overflow=10,
            pool_timeout=BUSY,
            pool_reset_on_return=None,
            hide_parameters=True,  # names and numbers of people, which have no place in the text of an error
            connect_args={"connect_timeout": 2, "options": POSTGRESQL_OPTIONS},
        )
    raise RecordsUnavailable(f"{url.get_backend_name()} is not a database we know: sqlite or postgresql")


def _sqlite(database_url: str, in_memory: bool) -> Engine:
    # isolation_level None: Python's sqlite3 would begin transactions by itself, late and deferred
    # (SQLAlchemy, "SQLite: Serializable isolation / Savepoints / Transactional DDL").
    arguments = {"check_same_thread": False, "isolation_level": None, "timeout": BUSY}
    if in_memory:
        engine = create_engine(
            database_url,
            poolclass=StaticPool,
            connect_args=arguments,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            hide_parameters=True,
        )
    else:
        engine = create_engine(
            database_url,
            connect_args=arguments,
            isolation_level="AUTOCOMMIT",
            pool_size=10,
            pool_use_lifo=True,  # the connection with the warmest cache
            max_overflow=30,
            pool_timeout=BUSY,
            pool_reset_on_return=None,
            hide_parameters=True,
        )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        if not in_memory:
            write_ahead(cursor, BUSY)
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    return engine
