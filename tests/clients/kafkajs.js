// Administers, produces, also in transactions, and consumes in a group with kafkajs. Usage: node kafkajs.js BOOTSTRAP
// The directory that holds node_modules/kafkajs is named by NODE_PATH.

const assert = require("node:assert");
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require("kafkajs");

const TOPIC = "js-orders";
const GROUP = "js-billing";
const TRANSFERS = "js-transfers";
const MOVED = "js-moved";
const PARTITIONS = 4;
const PATIENCE = 60_000;

const kafka = new Kafka({ clientId: "js", brokers: process.argv[2].split(","), logLevel: logLevel.ERROR });
const admin = kafka.admin();

async function until(condition, what) {
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    assert(Date.now() < deadline, `${what} did not come to be`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A member that keeps what it reads; `assigned` is what it holds. */
async function join(read) {
  const consumer = kafka.consumer({ groupId: GROUP, sessionTimeout: 6000, heartbeatInterval: 300 });
  const member = { consumer, assigned: [] };
  consumer.on(consumer.events.GROUP_JOIN, (event) => {
    member.assigned = event.payload.memberAssignment[TOPIC] ?? [];
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      read.set(`${partition}/${message.offset}`, message);
    },
  });
  return member;
}

async function retention() {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: TOPIC, configNames: ["retention.ms"] }];
  const described = await admin.describeConfigs({ resources, includeSynonyms: false });
  return described.resources[0].configEntries[0].configValue;
}

async function administerTopic() {
  const configEntries = [{ name: "retention.ms", value: "7200000" }];
  assert(await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS, configEntries }] }));
  const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
  assert.equal(topics[0].partitions.length, PARTITIONS);
  assert.equal(await retention(), "7200000");
  const altered = [{ name: "retention.ms", value: "3600000" }];
  await admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: TOPIC, configEntries: altered }] });
  assert.equal(await retention(), "3600000");
}

async function produce(messages) {
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  await producer.send({ topic: TOPIC, acks: -1, compression: CompressionTypes.GZIP, messages });
  await producer.disconnect();
}

async function consumeInAGroup() {
  const numbers = [...Array(400).keys()];
  await produce(numbers.map((n) => ({ key: `k${n}`, value: `v${n}`, partition: n % PARTITIONS, headers: { n: `${n}` } })));
  const read = new Map();
  const [first, second] = await Promise.all([join(read), join(read)]);
  await until(() => first.assigned.length === 2 && second.assigned.length === 2, "an even share");
  await until(() => read.size === 400, "all records");
  for (const message of read.values()) {
    assert.equal(`k${message.headers.n}`, message.key.toString());
    assert.equal(`v${message.headers.n}`, message.value.toString());
  }
  const { groups } = await admin.describeGroups([GROUP]);
  assert.equal(groups[0].state, "Stable");
  assert.equal(groups[0].members.length, 2);
  await Promise.all([first.consumer.disconnect(), second.consumer.disconnect()]);

  const [{ partitions }] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
  assert.deepEqual(partitions.map((at) => at.offset), Array(PARTITIONS).fill("100"));
}

async function resume() {
  await produce([{ value: "late", partition: 1 }]);
  const read = new Map();
  const member = await join(read);
  await until(() => read.size > 0, "the late record");
  assert.deepEqual([...read.keys()], ["1/100"]);
  await member.consumer.disconnect();
}

/** Commits a transaction with a position of a group, and aborts one with the next position. */
async function writeInTransactions() {
  const producer = kafka.producer({ transactionalId: "js-writer", idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const [offset, value] of [["1", "kept"], ["2", "dropped"]]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: TRANSFERS, messages: [{ value, partition: 0 }] });
    const topics = [{ topic: TRANSFERS, partitions: [{ partition: 0, offset }] }];
    await transaction.sendOffsets({ consumerGroupId: MOVED, topics });
    await (value === "kept" ? transaction.commit() : transaction.abort());
  }
  await producer.send({ topic: TRANSFERS, messages: [{ value: "last", partition: 0 }] });
  await producer.disconnect();
}

async function transferred(readUncommitted) {
  const groupId = `js-transferred-${readUncommitted}`;
  const consumer = kafka.consumer({ groupId, readUncommitted });
  const read = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [TRANSFERS], fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void read.push(message.value.toString()) });
  await until(() => read.includes("last"), "the last record");
  await consumer.disconnect();
  return read;
}

async function transact() {
  await admin.createTopics({ topics: [{ topic: TRANSFERS, numPartitions: 1 }] });
  await writeInTransactions();
  assert.deepEqual(await transferred(false), ["kept", "last"]);
  assert.deepEqual(await transferred(true), ["kept", "dropped", "last"]);
  const [{ partitions }] = await admin.fetchOffsets({ groupId: MOVED, topics: [TRANSFERS] });
  assert.equal(partitions[0].offset, "1");
}

async function cleanUp() {
  const { groups } = await admin.listGroups();
  assert(groups.some(({ groupId }) => groupId === GROUP));
  await admin.deleteGroups([GROUP]);
  await admin.createPartitions({ topicPartitions: [{ topic: TOPIC, count: PARTITIONS + 1 }] });
  const { topics } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
  assert.equal(topics[0].partitions.length, PARTITIONS + 1);
  await admin.deleteTopics({ topics: [TOPIC] });
  assert(!(await admin.listTopics()).includes(TOPIC));
}

async function main() {
  await admin.connect();
  await administerTopic();
  await consumeInAGroup();
  await resume();
  await transact();
  await cleanUp();
  await admin.disconnect();
  console.log("kafkajs is content");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
