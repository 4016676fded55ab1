"""Reads a journal as docs/storage-format.md describes it, with an LMDB and a MessagePack library and nothing of ours.

Takes the program that writes the journal; fails if what it reads is not what that program wrote.
"""
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


def read_journal(directory):
    environment = lmdb.open(f"{directory}/journal", readonly=True, max_dbs=8)
    meta, events = environment.open_db(b"meta", create=False), environment.open_db(b"events", create=False)
    streams = environment.open_db(b"streams", create=False)
    with environment.begin() as transaction:
        about = dict(transaction.cursor(meta))
        records = [(struct.unpack("<Q", key)[0], read_record(value)) for key, value in transaction.cursor(events)]
        (folded_to,) = struct.unpack_from("<Q", about.get(b"folded_to", bytes(8)))
        index = {}
        for key, value in transaction.cursor(streams):
            if struct.unpack_from("<Q", value)[0] > folded_to:
                continue  # written early
            name, first = key[:-9].decode(), struct.unpack(">Q", key[-8:])[0]
            assert key[-9] == 0 and first == len(index.get(name, [])) + 1
            index.setdefault(name, []).extend(struct.unpack(f"<{len(value) // 8}Q", value))
    return about, records, index


def main(program):
    with tempfile.TemporaryDirectory() as directory:
        for stream, count in (("order|1", 3), ("order|ü", 2), ("order|1", 1)):
            subprocess.run([program, "append", directory, stream, str(count), "4"], check=True)
        about, records, index = read_journal(directory)

    assert about[b"kind"] == b"tyto journal"
    assert struct.unpack("<I", about[b"format"]) == (1,)
    assert len(about[b"journal_id"]) == 32
    assert struct.unpack_from("<Q", about[b"folded_to"]) == (5,)
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
    print(f"read {len(records)} events of {len(index)} streams")


main(sys.argv[1])
