"""Administers, produces and consumes in a group with kafka-python. Usage: kafka_python.py BOOTSTRAP"""

import sys
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient

BOOTSTRAP = sys.argv[1].split(",")
TOPIC = "python-orders"
GROUP = "python-billing"
PARTITIONS = 4
PATIENCE = 60


def consumer():
    return KafkaConsumer(
        TOPIC,
        bootstrap_servers=BOOTSTRAP,
        group_id=GROUP,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
        heartbeat_interval_ms=300,
    )


def poll_until(condition, consumers, what):
    """Polls all consumers until the condition holds; the records they read meanwhile."""
    read = []
    deadline = time.monotonic() + PATIENCE
    while not condition(read):
        assert time.monotonic() < deadline, f"{what} did not come to be"
        for one in consumers:
            for records in one.poll(timeout_ms=100).values():
                read.extend(records)
    return read


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

producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, compression_type="gzip", linger_ms=20)
sent = []
for number in range(400):
    headers = [("n", b"%d" % number), ("n", b"again")]
    partition = number % PARTITIONS
    sent.append(producer.send(TOPIC, key=b"k%d" % number, value=b"v%d" % number, headers=headers, partition=partition))
for future in sent:
    future.get(timeout=PATIENCE)
producer.close()

first, second = consumer(), consumer()
read = poll_until(lambda _: len(first.assignment()) == len(second.assignment()) == 2, [first, second], "an even share")
read += poll_until(lambda more: len({(r.partition, r.offset) for r in read + more}) == 400, [first, second], "all records")
assert {record.value for record in read} == {b"v%d" % number for number in range(400)}
assert all(record.headers == [("n", record.value[1:]), ("n", b"again")] for record in read)
state = admin.describe_groups([GROUP])[GROUP]
assert len(state["members"]) == 2, state
first.commit()
second.commit()
first.close()
second.close()

committed = admin.list_group_offsets({GROUP: None})[GROUP]
assert {at.offset for at in committed.values()} == {100} and len(committed) == PARTITIONS, committed

producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
producer.send(TOPIC, value=b"late", partition=1).get(timeout=PATIENCE)
producer.close()
third = consumer()
(late,) = poll_until(lambda read: read, [third], "the late record")
assert (late.value, late.partition, late.offset) == (b"late", 1, 100), late
assert third.end_offsets([TopicPartition(TOPIC, 1)]) == {TopicPartition(TOPIC, 1): 101}
third.close()

assert GROUP in [group["group_id"] for group in admin.list_groups()]
assert admin.delete_groups([GROUP]) == {GROUP: "OK"}
admin.create_partitions({TOPIC: PARTITIONS + 1})
assert len(admin.describe_topics([TOPIC])[0]["partitions"]) == PARTITIONS + 1
admin.delete_topics([TOPIC])
assert TOPIC not in admin.list_topics()
admin.close()
print("kafka-python is content")
