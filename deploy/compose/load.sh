#!/bin/bash
# Creates three topics on the source and writes to each for ever, by Kafka's own tools. Records per second: RATE.
set -euo pipefail
bin=/opt/kafka/bin
for topic in orders payments clicks; do
  "$bin/kafka-topics.sh" --bootstrap-server paris:9092 --create --if-not-exists --topic "$topic" --partitions 4
done
for topic in orders payments clicks; do
  "$bin/kafka-producer-perf-test.sh" --topic "$topic" --num-records 9000000000 --record-size 200 \
    --throughput "${RATE:-200}" --producer-props bootstrap.servers=paris:9092 acks=all linger.ms=20 &
done
wait -n
