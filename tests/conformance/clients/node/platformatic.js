// @platformatic/kafka: the client that needs the newest versions of each API.

import { Admin, compatibilityPartitioner, Consumer, ListOffsetTimestamps, Producer } from '@platformatic/kafka'
import { ConfigResourceTypes, ConfigSources, findErrorBy } from '@platformatic/kafka'
import { IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'

import { alterPass } from './alter.js'
import { FIRST_TIMESTAMP, record } from './dataset.js'
import { beMember } from './member.js'
import { look } from './platformatic-look.js'
import { member } from './platformatic-member.js'
import { batches, Difference, expect, run, sameBytes, settle } from './report.js'

const BATCH_RECORDS = 4000
const CONSUME_MS_MAX = 120_000
const PARTITION_BYTES_MAX = 1 << 20

const CONFIG = { 'max.message.bytes': '65536', 'retention.ms': '-1', 'cleanup.policy': 'delete' }
const DEFAULTS = { 'segment.bytes': '1073741824', 'compression.type': 'producer' }

const RETRIES = { retries: 5, retryDelay: 100 }
const base = ({ bootstrap }) => ({ clientId: 'conformance', bootstrapBrokers: [bootstrap], ...RETRIES })

// Headers are a map. Keys that are buffers are told apart by identity, so that a name can occur twice in any place.
function message (i, { topic, partitioner, partitions }) {
  const keyed = partitioner !== 'explicit'
  const { key, value, headers, timestamp } = record(i, 'full', keyed)
  const named = new Map(headers.map(([name, content]) => [Buffer.from(name), content]))
  const where = keyed ? {} : { partition: i % partitions }
  return { topic, key, value, headers: named, timestamp: BigInt(timestamp), ...where }
}

async function produce (options) {
  const producer = new Producer({
    ...base(options),
    retries: 300, // Of 100 ms each: as long as a restart may take, of Kafka after kill -9.
    idempotent: options.idempotent,
    acks: options.acks,
    compression: options.codec,
    ...(options.partitioner === 'murmur2' ? { partitioner: compatibilityPartitioner } : {})
  })
  for await (const [first, length] of batches(options, BATCH_RECORDS)) {
    const messages = Array.from({ length }, (_, i) => message(first + i, options))
    await producer.send({ messages, acks: options.acks, compression: options.codec })
  }
  await producer.close()
  return options.count
}

// Its streams read through groups; fetch() reads the partitions it is told to, from the offsets it is told.
async function consume (options) {
  const consumer = new Consumer({ ...base(options), groupId: 'unused' })
  const { topic, partitions, count } = options
  const seen = Array(partitions).fill(0)
  const lengths = seen.map((_, partition) => Math.ceil((count - partition) / partitions))
  const deadline = Date.now() + CONSUME_MS_MAX
  consumer.topics.track(topic)
  const { id: topicId, partitions: metadata } = (await consumer.metadata({ topics: [topic] })).topics.get(topic)
  while (seen.some((offset, partition) => offset < lengths[partition])) {
    if (Date.now() > deadline) throw new Difference(`only ${seen} records per partition arrived`)
    const byNode = Map.groupBy(seen.keys(), partition => metadata[partition].leader)
    for (const [node, mine] of byNode) {
      const wanted = mine.map(partition => ({
        partition,
        fetchOffset: BigInt(seen[partition]),
        partitionMaxBytes: PARTITION_BYTES_MAX,
        currentLeaderEpoch: metadata[partition].leaderEpoch,
        lastFetchedEpoch: -1
      }))
      const { responses } = await consumer.fetch({ node, topics: [{ topicId, partitions: wanted }], maxWaitTime: 100 })
      for (const { partitionIndex, records } of responses.flatMap(response => response.partitions)) {
        for (const batch of records ?? []) checkBatch(batch, partitionIndex, seen, lengths, options)
      }
    }
  }
  for (const [what, timestamp, offsets] of [
    ['earliest', ListOffsetTimestamps.EARLIEST, seen.map(() => 0n)],
    ['latest', ListOffsetTimestamps.LATEST, lengths.map(BigInt)]
  ]) {
    const found = await consumer.listOffsets({ topics: [topic], timestamp })
    expect(`${what} offsets`, offsets, found.get(topic))
  }
  await consumer.close(true)
  return seen.reduce((a, b) => a + b)
}

function checkBatch (batch, partition, seen, lengths, { partitions, shape, since }) {
  for (const found of batch.records) {
    const offset = Number(batch.firstOffset) + found.offsetDelta
    if (offset < seen[partition]) continue // A fetch in mid-batch brings the whole batch.
    const at = `partition ${partition} offset ${seen[partition]}`
    expect(`${at}: offset`, seen[partition], offset)
    if (offset >= lengths[partition]) throw new Difference(`${at}: one record more than were produced`)
    const wanted = record(offset * partitions + partition, shape)
    const timestamp = Number(batch.firstTimestamp + found.timestampDelta)
    if (!sameBytes(wanted.key, found.key)) expect(`${at}: key`, wanted.key, found.key)
    if (!sameBytes(wanted.value, found.value)) expect(`${at}: value`, wanted.value, found.value)
    const same = ([name, value], i) =>
      sameBytes(Buffer.from(name), found.headers[i][0]) && sameBytes(value, found.headers[i][1])
    if (wanted.headers.length !== found.headers.length || !wanted.headers.every(same)) {
      const actual = found.headers.map(([name, value]) => [name.toString(), value])
      expect(`${at}: headers`, wanted.headers, actual)
    }
    if (wanted.timestamp !== null) {
      if (timestamp !== wanted.timestamp) expect(`${at}: timestamp`, wanted.timestamp, timestamp)
    } else if (timestamp < since || timestamp > Date.now() + 1000) {
      throw new Difference(`${at}: timestamp: expected from ${since} to now, got ${timestamp}`)
    }
    seen[partition]++
  }
}

class Pass {
  met = 0

  constructor (options) {
    this.options = options
    this.topic = `${options.topic}-made`
    this.absent = `${options.topic}-absent`
    this.admin = new Admin(base(options))
  }

  expect (what, expected, actual) {
    expect(what, expected, actual)
    this.met++
  }

  async expectError (what, id, action) {
    try {
      await action()
    } catch (error) {
      // It turns the error of an unknown topic in metadata into one of its own, with this text.
      const own = id === 'UNKNOWN_TOPIC_OR_PARTITION' && error.message === `Unknown topic ${this.absent}.`
      if (!own && findErrorBy(error, 'apiId', id) === null) throw error
      this.met++
      return
    }
    throw new Difference(`${what}: expected ${id}, but it succeeded`)
  }

  create (topic, partitions = 3, config = {}, replicas = 1) {
    const configs = Object.entries(config).map(([name, value]) => ({ name, value }))
    return this.admin.createTopics({ topics: [topic], partitions, replicas, configs })
  }

  async describe (topic) {
    const options = { topics: [topic], forceUpdate: true, autocreateTopics: false }
    return (await this.admin.metadata(options)).topics.get(topic)
  }
}

async function admin (options) {
  const it = new Pass(options)
  await topics(it)
  await configs(it)
  await offsets(it)
  await partitions(it)
  await mistakes(it)
  await it.admin.deleteTopics({ topics: [it.topic] })
  await settle('the topic is gone', async () => !(await it.admin.listTopics()).includes(it.topic))
  await it.admin.close()
  return it.met
}

async function topics (it) {
  const cluster = await it.admin.metadata({ topics: [] })
  it.expect('the cluster has an id', true, cluster.id.length > 0)
  it.expect('the controller is one of the nodes', true, cluster.brokers.has(cluster.controllerId))
  const [made] = await it.create(it.topic, 3, CONFIG)
  it.expect('created', [it.topic, 3, 1], [made.name, made.partitions, made.replicas])
  for (const [name, value] of Object.entries(CONFIG)) {
    it.expect(`created with ${name}`, value, made.configuration[name])
  }
  await settle('the topic is listed', async () => (await it.admin.listTopics()).includes(it.topic))
  const described = await it.describe(it.topic)
  it.expect('topic id', made.id, described.id)
  it.expect('partitions', 3, described.partitionsCount)
  for (const { leader, replicas, isr } of described.partitions) {
    it.expect('replicas', [[leader], [leader]], [replicas, isr])
  }
}

async function describeConfigs (it, resourceName) {
  const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName }]
  const [{ configs }] = await it.admin.describeConfigs({ resources, includeSynonyms: true, includeDocumentation: true })
  return Object.fromEntries(configs.map(entry => [entry.name, entry]))
}

async function configs (it) {
  const described = await describeConfigs(it, it.topic)
  for (const [name, value] of Object.entries(CONFIG)) {
    const found = described[name]
    it.expect(name, [value, ConfigSources.TOPIC_CONFIG], [found.value, found.configSource])
  }
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const found = described[name]
    it.expect(name, [value, ConfigSources.DEFAULT_CONFIG], [found.value, found.configSource])
    it.expect(`${name} is documented`, true, found.documentation.length > 0)
  }
}

async function offsets (it) {
  const producer = new Producer(base(it.options))
  const messages = Array.from({ length: 10 }, (_, i) => ({
    topic: it.topic,
    value: Buffer.from(String(i)),
    partition: 0,
    timestamp: BigInt(FIRST_TIMESTAMP + (i === 5 ? 100_000 : i * 1000))
  }))
  await producer.send({ messages, acks: -1 })
  const large = [{ topic: it.topic, value: Buffer.alloc(70_000), partition: 0 }]
  await it.expectError('a record too large', 'MESSAGE_TOO_LARGE', () => producer.send({ messages: large, acks: -1 }))
  await producer.close()

  const listed = async (timestamp, partitionIndex = 0) => {
    const [{ partitions: [found] }] = await it.admin.listOffsets({
      topics: [{ name: it.topic, partitions: [{ partitionIndex, timestamp }] }]
    })
    return [found.offset, found.timestamp]
  }
  const after = moment => BigInt(FIRST_TIMESTAMP + moment)
  it.expect('earliest', 0n, (await listed(ListOffsetTimestamps.EARLIEST))[0])
  it.expect('latest', 10n, (await listed(ListOffsetTimestamps.LATEST))[0])
  it.expect('latest when empty', 0n, (await listed(ListOffsetTimestamps.LATEST, 1))[0])
  it.expect('by an exact timestamp', [3n, after(3000)], await listed(after(3000)))
  it.expect('by a timestamp between', [4n, after(4000)], await listed(after(3001)))
  it.expect('by the last timestamp', [5n, after(100_000)], await listed(after(9001)))
  it.expect('by a later timestamp', -1n, (await listed(after(100_001)))[0])
  it.expect('of the largest timestamp', [5n, after(100_000)], await listed(ListOffsetTimestamps.MAX))
  it.expect('of the largest timestamp when empty', -1n, (await listed(ListOffsetTimestamps.MAX, 1))[0])
}

const grow = (it, name, count) => it.admin.createPartitions({ topics: [{ name, count, assignments: null }] })

async function partitions (it) {
  await grow(it, it.topic, 5)
  await settle('the topic has five partitions', async () => (await it.describe(it.topic)).partitionsCount === 5)
  await it.expectError('fewer partitions', 'INVALID_PARTITIONS', () => grow(it, it.topic, 2))
}

async function mistakes (it) {
  await it.expectError('a topic that exists', 'TOPIC_ALREADY_EXISTS', () => it.create(it.topic))
  await it.expectError('a bad name', 'INVALID_TOPIC_EXCEPTION', () => it.create('bad/name'))
  await it.expectError('no partitions', 'INVALID_PARTITIONS', () => it.create(it.absent, 0))
  await it.expectError('too many replicas', 'INVALID_REPLICATION_FACTOR', () => it.create(it.absent, 3, {}, 100))
  for (const config of [{ 'no.such.setting': '1' }, { 'max.message.bytes': 'many' }]) {
    await it.expectError(JSON.stringify(config), 'INVALID_CONFIG', () => it.create(it.absent, 3, config))
  }
  const unknown = 'UNKNOWN_TOPIC_OR_PARTITION'
  await it.expectError('an unknown topic described', unknown, () => it.describe(it.absent))
  await it.expectError('settings of an unknown topic', unknown, () => describeConfigs(it, it.absent))
  await it.expectError('an unknown topic deleted', unknown, () => it.admin.deleteTopics({ topics: [it.absent] }))
  await it.expectError('an unknown topic grown', unknown, () => grow(it, it.absent, 9))
  it.expect('nothing was made by mistake', false, (await it.admin.listTopics()).includes(it.absent))
}

class Alterations extends Pass {
  OF_THE_TOPIC = ConfigSources.DYNAMIC_TOPIC_CONFIG

  constructor (options) {
    super(options)
    this.topic = `${options.topic}-altered`
    this.producer = new Producer(base(options))
  }

  alter (name, value) {
    const configs = [{ name, value, configOperation: IncrementalAlterConfigOperationTypes.SET }]
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: this.topic, configs }
    return this.admin.incrementalAlterConfigs({ resources: [resource] })
  }

  async setting (name) {
    const { value, configSource } = (await describeConfigs(this, this.topic))[name]
    return [value, configSource]
  }

  send (value) {
    return this.producer.send({ messages: [{ topic: this.topic, value, partition: 0 }], acks: -1 })
  }

  trim (offset) {
    const partitions = [{ partition: 0, offset: BigInt(offset) }]
    return this.admin.deleteRecords({ topics: [{ name: this.topic, partitions }] })
  }

  async earliest () {
    const partitions = [{ partitionIndex: 0, timestamp: ListOffsetTimestamps.EARLIEST }]
    const [{ partitions: [found] }] = await this.admin.listOffsets({ topics: [{ name: this.topic, partitions }] })
    return Number(found.offset)
  }
}

async function alter (options) {
  const it = new Alterations(options)
  await alterPass(it)
  await it.admin.deleteTopics({ topics: [it.topic] })
  await it.producer.close()
  await it.admin.close()
  return it.met
}

const modes = { produce, consume, admin, alter, look: look(base) }
modes.member = options => beMember(options, member(base))
await run('platformatic', '@platformatic/kafka', modes)
