"""Loads the extension into Python's sqlite3 and makes an hourly time series of a journal.

    time_series.py <tyto_sqlite.so> <store_program>

Fails unless the series, and what else is looked at, is what the program has written.
"""
import json
import sqlite3
import subprocess
import sys
import tempfile

HOURLY = """
    SELECT strftime('%Y-%m-%dT%H:00Z', time) AS hour, type, count(*) AS events,
           sum(payload->>'total_cents') AS cents
    FROM events WHERE category = 'order' AND time >= '2023-11-14' GROUP BY hour, type ORDER BY hour
"""


def connect(extension):
    if not hasattr(sqlite3.Connection, "enable_load_extension"):
        sys.exit("this Python's sqlite3 was built without loadable extensions; Debian's has them")
    connection = sqlite3.connect(":memory:")
    connection.enable_load_extension(True)
    connection.load_extension(extension)
    connection.enable_load_extension(False)
    return connection


def fails(connection, statement, *parts):
    try:
        connection.execute(statement).fetchall()
    except sqlite3.Error as failed:
        assert all(part in str(failed) for part in parts), failed
    else:
        raise AssertionError(f"{statement} should fail")


def append(program, directory, stream, count):
    subprocess.run([program, "append", directory, stream, str(count)], check=True, stdout=subprocess.DEVNULL)


def one(connection, statement, *values):
    return connection.execute(statement, values).fetchone()


def main(extension, program):
    with tempfile.TemporaryDirectory() as directory:
        first, second = f"{directory}/it's the first", f"{directory}/second"
        for stream, count in (("order|1", 30), ("order|größe", 12), ("note|1", 3)):
            append(program, first, stream, count)
        append(program, second, "order|1", 1)

        connection = connect(extension)
        fails(connection, "SELECT count(*) FROM events", "no such table: events")
        assert one(connection, "SELECT tyto_open(?)", first) == (45,)

        series = connection.execute(HOURLY).fetchall()
        cents = sum(100 * i for i in range(1, 31)) + sum(100 * i for i in range(1, 13))
        assert series == [("2023-11-14T22:00Z", "order.created", 42, cents)], series

        tags, payload = one(connection, "SELECT tags, payload FROM events WHERE stream = ? AND sequence = 2", "order|größe")
        assert json.loads(tags) == ["small", "größe"]
        assert json.loads(payload)["lines"][1] == {"stock_code": "B-2", "quantity": -2}, payload
        streams = connection.execute("SELECT stream, version, state FROM streams ORDER BY stream").fetchall()
        assert streams == [("note|1", 3, "open"), ("order|1", 30, "open"), ("order|größe", 12, "open")], streams

        # It is the live journal: what another process appends is there in the next statement.
        append(program, first, "note|1", 5)
        assert one(connection, "SELECT count(*), max(position) FROM events") == (50, 50)

        # Two connections over one directory, and one after the other over two.
        other = connect(extension)
        assert one(other, "SELECT tyto_open(?)", first) == (50,)
        assert one(other, "SELECT tyto_open(?)", second) == (1,)
        assert one(other, "SELECT count(*) FROM events") == (1,)
        assert one(connection, "SELECT count(*) FROM events") == (50,)

        missing = f"{directory}/missing"
        fails(connection, f"SELECT tyto_open('{missing}')", "missing", "there is no journal")
        fails(connection, "SELECT tyto_open(NULL)", "the path of a directory")
        fails(connection, "DELETE FROM events", "may not be modified")
        assert one(connection, "SELECT count(*) FROM events") == (50,)
        connection.execute("CREATE VIEW trap AS SELECT tyto_open('/')")
        fails(connection, "SELECT * FROM trap", "unsafe use of tyto_open")
        connection.close()
        other.close()
    print("the series is right")


main(sys.argv[1], sys.argv[2])
