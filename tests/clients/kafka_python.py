"""Administers, produces, also in transactions, and consumes in a group with kafka-python. Usage: kafka_python.py BOOTSTRAP"""

import sys
import threading
import time

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, KafkaAdminClient
from kafka.structs import OffsetAndMetadata, TopicPartition

BOOTSTRAP = sys.argv[1].split(",")
TOPIC = "python-orders"
GROUP = "python-billing"
TRANSFERS = "python-transfers"
MOVED = "python-moved"
PARTITIONS = 4
PATIENCE = 60


class Member(threading.Thread):
    """A member of the group that reads a number of records, commits and leaves.

    It has a thread of its own and polls for long: a poll of kafka-python 3.0.12 that times out in the middle of a
    rebalance leaves the heartbeat switched off, and the member expires.
    """

    def __init__(self, count):
        super().__init__(daemon=True)
        self.count = count
        self.records = []
        self.consumer = KafkaConsumer(
            TOPIC,
            bootstrap_servers=BOOTSTRAP,
            group_id=GROUP,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=6000,
            heartbeat_interval_ms=300,
        )
        self.start()

    def run(self):
        while len(self.records) < self.count:
            for records in self.consumer.poll(timeout_ms=PATIENCE * 1000).values():
                self.records.extend(records)
        self.consumer.commit()
        self.consumer.close()

    def all_read(self):
        self.join(PATIENCE)
        assert not self.is_alive(), f"only {len(self.records)} of {self.count} records came"
        return self.records


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come to be"
        time.sleep(0.02)


def produce(values, **options):
    """Writes the values round robin and waits for all acknowledgements."""
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=20, **options)
    sent = []
    for number, value in enumerate(values):
        headers = [("n", value[1:]), ("n", b"again")]
        sent.append(producer.send(TOPIC, key=value, value=value, headers=headers, partition=number % PARTITIONS))
    for future in sent:
        future.get(timeout=PATIENCE)
    producer.close()


def write_in_transactions():
    """Commits a transaction with a position of a group, and aborts one with the next position."""
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id="python-writer")
    producer.init_transactions()
    for offset, value, end in [(1, b"kept", producer.commit_transaction), (2, b"dropped", producer.abort_transaction)]:
        producer.begin_transaction()
        for partition in range(PARTITIONS):
            producer.send(TRANSFERS, value=value, partition=partition)
        producer.flush()  # an abort drops what was not sent yet
        position = OffsetAndMetadata(offset, "", -1)
        producer.send_offsets_to_transaction({TopicPartition(TRANSFERS, 0): position}, MOVED)
        end()
    producer.close()


def transferred(isolation_level, count):
    """The values of so many records, as who reads under this isolation sees them."""
    consumer = KafkaConsumer(
        TRANSFERS, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", isolation_level=isolation_level
    )
    values = []
    while len(values) < count:
        for records in consumer.poll(timeout_ms=PATIENCE * 1000).values():
            values.extend(record.value for record in records)
    consumer.close()
    return sorted(values)


def value_of(config):
    described = admin.describe_configs([config], config_filter="all")
    return described["topic"][TOPIC]["retention.ms"]["value"]


admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
admin.create_topics({TOPIC: {"num_partitions": PARTITIONS, "configs": {"retention.ms": "7200000"}}})
(described,) = admin.describe_topics([TOPIC])
assert len(described["partitions"]) == PARTITIONS, described
assert TOPIC in admin.list_topics()

assert value_of(ConfigResource("topic", TOPIC)) == "7200000"
admin.alter_configs([ConfigResource("topic", TOPIC, {"retention.ms": "3600000"})])
assert value_of(ConfigResource("topic", TOPIC)) == "3600000"

members = [Member(200), Member(200)]
wait_until(lambda: all(len(member.consumer.assignment()) == 2 for member in members), "an even share")
state = admin.describe_groups([GROUP])[GROUP]
assert len(state["members"]) == 2, state
values = [b"v%d" % number for number in range(400)]
produce(values, compression_type="gzip")
read = members[0].all_read() + members[1].all_read()
assert sorted(record.value for record in read) == sorted(values)
assert all(record.key == record.value for record in read)
assert all(record.headers == [("n", record.value[1:]), ("n", b"again")] for record in read)
committed = admin.list_group_offsets({GROUP: None})[GROUP]
assert {at.offset for at in committed.values()} == {100} and len(committed) == PARTITIONS, committed

produce([b"late"])
(late,) = Member(1).all_read()
assert (late.value, late.partition, late.offset) == (b"late", 0, 100), late

admin.create_topics({TRANSFERS: {"num_partitions": PARTITIONS}})
write_in_transactions()
kept, dropped = [b"kept"] * PARTITIONS, [b"dropped"] * PARTITIONS
assert transferred("read_committed", PARTITIONS) == kept
assert transferred("read_uncommitted", 2 * PARTITIONS) == dropped + kept
moved = admin.list_group_offsets({MOVED: None})[MOVED]
assert {at.offset for at in moved.values()} == {1}, moved

assert GROUP in [group["group_id"] for group in admin.list_groups()]
assert admin.delete_groups([GROUP]) == {GROUP: "OK"}
admin.create_partitions({TOPIC: PARTITIONS + 1})
assert len(admin.describe_topics([TOPIC])[0]["partitions"]) == PARTITIONS + 1
admin.delete_topics([TOPIC])
assert TOPIC not in admin.list_topics()
admin.close()
print("kafka-python is content")
