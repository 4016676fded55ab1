"""Reads a journal as docs/storage-format.md describes it, with an LMDB and a MessagePack library and nothing of ours.

Takes the program that writes a journal, and the directory of another journal, which has runs of all kinds; fails if what
it reads is not what was written.
"""
import shutil
import struct
import subprocess
import sys
import tempfile

import lmdb
import msgpack

HEADER = struct.Struct("<QHHIQqIIIIHHHHHHI")


def read_record(value):
    (_, version, flags, schema_version, sequence_number, time_us, index, count, key, payload_bytes,
     *lengths, tag_count, _) = HEADER.unpack_from(value)
    assert (version, flags, key) == (1, 0, 0)
    offset = HEADER.size
    texts = []
    for length in lengths:
        texts.append(value[offset:offset + length].decode())
        offset += length
    tags = []
    for _ in range(tag_count):
        (length,) = struct.unpack_from("<H", value, offset)
        tags.append(value[offset + 2:offset + 2 + length].decode())
        offset += 2 + length
    assert offset + payload_bytes == len(value)
    names = ("type", "persistence_id", "command_id", "correlation_id", "causation_id")
    return dict(zip(names, texts), tags=tags, schema_version=schema_version, sequence_number=sequence_number,
                time_us=time_us, decision=(index, count), payload=msgpack.unpackb(value[offset:]))


RUN = struct.Struct("<BBBBIQQ")
OLD_INDEX = 255


def read_varints(value):
    numbers, number, bits = [], 0, 0
    for byte in value:
        number |= (byte & 0x7f) << bits
        bits += 7
        if byte < 0x80:
            numbers.append(number)
            number, bits = 0, 0
    return numbers


def read_run_entry(key, value):
    name, first = key[8:-9].decode(), struct.unpack(">Q", key[-8:])[0]
    assert key[-9] == 0
    count, *distances = read_varints(value[:-4])
    positions = [sum(distances[:i + 1]) for i in range(count)]
    assert len(distances) == count
    return name, first, positions


def read_old_entry(key, value):
    assert key[-9] == 0
    return key[:-9].decode(), struct.unpack(">Q", key[-8:])[0], list(struct.unpack(f"<{len(value) // 8}Q", value))


def read_index(environment, transaction, about):
    """Returns the positions of each stream, and up to where they are complete."""
    index, complete_to = {}, 0
    for slot, level, is_complete, _, filter_blocks, after, up_to in RUN.iter_unpack(about[b"runs"][:-8]):
        if not is_complete:
            continue
        assert after == complete_to
        complete_to = up_to
        is_old = slot == OLD_INDEX
        table = environment.open_db(b"streams" if is_old else b"run%02d" % slot, transaction, create=False)
        for key, value in transaction.cursor(table):
            if not is_old and len(key) <= 8:
                continue  # the run's head, or a piece of its filter
            name, first, positions = (read_old_entry if is_old else read_run_entry)(key, value)
            if is_old and positions[0] > up_to:
                continue  # written early
            assert all(after < position <= up_to for position in positions)
            assert first == len(index.get(name, [])) + 1
            index.setdefault(name, []).extend(positions)
    return index, complete_to


def read_journal(directory):
    environment = lmdb.open(f"{directory}/journal", readonly=True, max_dbs=80)
    meta, events = environment.open_db(b"meta", create=False), environment.open_db(b"events", create=False)
    with environment.begin() as transaction:
        about = dict(transaction.cursor(meta))
        records = [(struct.unpack("<Q", key)[0], read_record(value)) for key, value in transaction.cursor(events)]
        return about, records, *read_index(environment, transaction, about)


def main(program, golden):
    with tempfile.TemporaryDirectory() as directory:
        for stream, count in (("order|1", 3), ("order|ü", 2), ("order|1", 1)):
            subprocess.run([program, "append", directory, stream, str(count), "4"], check=True)
        about, records, index, complete_to = read_journal(directory)
    check_small(about, records, index, complete_to)
    with tempfile.TemporaryDirectory() as directory:
        shutil.copytree(golden, directory, dirs_exist_ok=True)
        _, records, index, complete_to = read_journal(directory)
    expected = {}
    for position, record in records:
        if position <= complete_to:
            expected.setdefault(record["persistence_id"], []).append(position)
    assert index == expected and complete_to > 200
    print(f"read {len(records)} events of {len(index)} streams")


def check_small(about, records, index, complete_to):
    assert about[b"kind"] == b"tyto journal"
    assert struct.unpack("<I", about[b"format"]) == (2,)
    assert len(about[b"journal_id"]) == 32
    assert complete_to == 5
    assert index == {"order|1": [1, 2, 3], "order|ü": [4, 5]}, index
    assert [position for position, _ in records] == [1, 2, 3, 4, 5, 6]
    assert [record["persistence_id"] for _, record in records] == ["order|1"] * 3 + ["order|ü"] * 2 + ["order|1"]
    assert [record["sequence_number"] for _, record in records] == [1, 2, 3, 1, 2, 4]
    assert records[4][1] == {
        "type": "order.created", "persistence_id": "order|ü", "command_id": "command-2",
        "correlation_id": "correlation", "causation_id": "cause", "tags": ["small", "größe"], "schema_version": 1,
        "sequence_number": 2, "time_us": 1_700_000_000_000_002, "decision": (0, 1),
        "payload": {"customer": "alice", "total_cents": 200,
                    "lines": [{"stock_code": "A-1", "quantity": 2}, {"stock_code": "B-2", "quantity": -2}]},
    }, records[4][1]


main(sys.argv[1], sys.argv[2])
