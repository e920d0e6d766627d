// kafkajs: produces, reads through groups, its only way to read, and administers.

import kafkajs from 'kafkajs'
import snappy from 'kafkajs-snappy'
import { lz4Compress, lz4Decompress } from '@platformatic/wasm-utils'
import zlib from 'node:zlib'

import { alterPass } from './alter.js'
import { FIRST_TIMESTAMP, record } from './dataset.js'
import { groupPass } from './kafkajs-group.js'
import { member } from './kafkajs-member.js'
import { beMember } from './member.js'
import { batches, Difference, expect, run, settle } from './report.js'

const { CompressionTypes, ConfigResourceTypes, ConfigSource, Kafka, logLevel, Partitioners } = kafkajs
const BATCH_RECORDS = 4000
const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD
}
// kafkajs has gzip itself and takes the other codecs as plug-ins.
const plugIn = (compress, decompress) => () => ({
  compress: async encoder => Buffer.from(compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(decompress(buffer))
})
kafkajs.CompressionCodecs[CompressionTypes.Snappy] = snappy
kafkajs.CompressionCodecs[CompressionTypes.LZ4] = plugIn(lz4Compress, lz4Decompress)
kafkajs.CompressionCodecs[CompressionTypes.ZSTD] = plugIn(zlib.zstdCompressSync, zlib.zstdDecompressSync)

const CONFIG = { 'max.message.bytes': '65536', 'retention.ms': '-1', 'cleanup.policy': 'delete' }
const DEFAULTS = { 'segment.bytes': '1073741824', 'compression.type': 'producer' }

const connect = ({ bootstrap }) =>
  new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 100, retries: 5 } })

// Its headers are an object: values of one name form a list, so that names that occur twice are always neighbours.
function message (i, { partitioner, partitions }) {
  const keyed = partitioner !== 'explicit'
  const { key, value, headers, timestamp } = record(i, 'grouped', keyed)
  const named = {}
  for (const [name, content] of headers) {
    named[name] = name in named ? [named[name], content].flat() : content
  }
  return { key, value, headers: named, timestamp: String(timestamp), ...(keyed ? {} : { partition: i % partitions }) }
}

async function produce (options) {
  const producer = connect(options).producer({
    idempotent: options.idempotent,
    createPartitioner: Partitioners.DefaultPartitioner,
    ...(options.idempotent ? { maxInFlightRequests: 1 } : {})
  })
  await producer.connect()
  for await (const [first, length] of batches(options, BATCH_RECORDS)) {
    const messages = Array.from({ length }, (_, i) => message(first + i, options))
    await producer.send({ topic: options.topic, messages, acks: options.acks, compression: CODECS[options.codec] })
  }
  await producer.disconnect()
  return options.count
}

class Pass {
  met = 0

  constructor (options) {
    this.topic = `${options.topic}-made`
    this.absent = `${options.topic}-absent`
    this.kafka = connect(options)
    this.admin = this.kafka.admin()
  }

  expect (what, expected, actual) {
    expect(what, expected, actual)
    this.met++
  }

  async expectError (what, type, action) {
    try {
      await action()
    } catch (error) {
      const met = error.errors?.[0] ?? (error.type ? error : error.cause) ?? error // Retries wrap what they met.
      const inner = met.partitions?.[0]?.error ?? met // So does the deletion of records.
      this.expect(what, type, inner.type ?? `${inner.name}: ${inner.message}`)
      return
    }
    throw new Difference(`${what}: expected ${type}, but it succeeded`)
  }

  create (topic, numPartitions = 3, config = {}, replicationFactor = 1) {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    return this.admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor, configEntries }] })
  }

  async describe (topic) {
    return (await this.admin.fetchTopicMetadata({ topics: [topic] })).topics[0]
  }
}

async function admin (options) {
  const it = new Pass(options)
  await it.admin.connect()
  await topics(it)
  await configs(it)
  await offsets(it)
  await partitions(it)
  await mistakes(it)
  await deletion(it)
  await it.admin.disconnect()
  return it.met
}

async function topics (it) {
  const cluster = await it.admin.describeCluster()
  it.expect('the cluster has an id', true, cluster.clusterId.length > 0)
  const nodes = cluster.brokers.map(broker => broker.nodeId)
  it.expect('the controller is one of the nodes', true, nodes.includes(cluster.controller))
  it.expect('created', true, await it.create(it.topic, 3, CONFIG))
  await settle('the topic is listed', async () => (await it.admin.listTopics()).includes(it.topic))
  const described = await it.describe(it.topic)
  it.expect('partitions', [0, 1, 2], described.partitions.map(each => each.partitionId).sort())
  for (const { leader, replicas, isr } of described.partitions) {
    it.expect('replicas', [[leader], [leader]], [replicas, isr])
  }
}

async function describeConfigs (it, name) {
  const resources = [{ type: ConfigResourceTypes.TOPIC, name }]
  const { resources: [{ configEntries }] } = await it.admin.describeConfigs({ resources })
  return Object.fromEntries(configEntries.map(entry => [entry.configName, entry]))
}

async function configs (it) {
  const described = await describeConfigs(it, it.topic)
  for (const [name, value] of Object.entries(CONFIG)) {
    const { configValue, configSource } = described[name]
    it.expect(name, [value, ConfigSource.TOPIC_CONFIG], [configValue, configSource])
  }
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const { configValue, configSource } = described[name]
    it.expect(name, [value, ConfigSource.DEFAULT_CONFIG], [configValue, configSource])
  }
}

// Leaders are named a moment before they serve, and kafkajs leaves it to its caller to ask again.
async function serves (it) {
  try {
    await it.admin.fetchTopicOffsets(it.topic)
    return true
  } catch (error) {
    if (error.type === 'NOT_LEADER_FOR_PARTITION') return false
    throw error
  }
}

async function offsets (it) {
  await settle('all partitions serve', () => serves(it))
  const producer = it.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const messages = Array.from({ length: 10 }, (_, i) => ({
    value: String(i),
    partition: 0,
    timestamp: String(FIRST_TIMESTAMP + (i === 5 ? 100_000 : i * 1000))
  }))
  await producer.send({ topic: it.topic, messages })
  const large = [{ value: Buffer.alloc(70_000), partition: 0 }]
  const refused = () => producer.send({ topic: it.topic, messages: large })
  await it.expectError('a record too large', 'MESSAGE_TOO_LARGE', refused)
  await producer.disconnect()

  const sorted = found => found.sort((a, b) => a.partition - b.partition)
  const ends = sorted(await it.admin.fetchTopicOffsets(it.topic)).map(({ low, high }) => [low, high])
  it.expect('earliest and latest', [['0', '10'], ['0', '0'], ['0', '0']], ends)
  for (const [after, offset] of [[3000, '3'], [3001, '4'], [9001, '5'], [100_001, '10']]) {
    const [found] = sorted(await it.admin.fetchTopicOffsetsByTimestamp(it.topic, FIRST_TIMESTAMP + after))
    it.expect(`by timestamp + ${after}`, offset, found.offset) // Past all timestamps kafkajs gives the end.
  }
}

const grow = (it, topic, count) => it.admin.createPartitions({ topicPartitions: [{ topic, count }] })

async function partitions (it) {
  await grow(it, it.topic, 5)
  await settle('the topic has five partitions', async () => (await it.describe(it.topic)).partitions.length === 5)
  await it.expectError('fewer partitions', 'INVALID_PARTITIONS', () => grow(it, it.topic, 2))
}

async function mistakes (it) {
  it.expect('a topic that exists', false, await it.create(it.topic)) // kafkajs says false, not an error.
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

async function deletion (it) {
  await it.admin.deleteTopics({ topics: [it.topic] })
  await settle('the topic is gone', async () => !(await it.admin.listTopics()).includes(it.topic))
}

// It knows AlterConfigs only, which replaces all settings of a topic.
class Alterations extends Pass {
  OF_THE_TOPIC = ConfigSource.TOPIC_CONFIG

  constructor (options) {
    super(options)
    this.topic = `${options.topic}-altered`
    this.producer = this.kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  }

  alter (name, value) {
    const configEntries = [{ name: 'retention.ms', value: '-1' }, { name, value }]
    const resource = { type: ConfigResourceTypes.TOPIC, name: this.topic, configEntries }
    return this.admin.alterConfigs({ resources: [resource] })
  }

  async setting (name) {
    const { configValue, configSource } = (await describeConfigs(this, this.topic))[name]
    return [configValue, configSource]
  }

  send (value) {
    return this.producer.send({ topic: this.topic, messages: [{ value, partition: 0 }] })
  }

  trim (offset) {
    return this.admin.deleteTopicRecords({ topic: this.topic, partitions: [{ partition: 0, offset: String(offset) }] })
  }

  async earliest () {
    const found = await this.admin.fetchTopicOffsets(this.topic)
    return Number(found.find(({ partition }) => partition === 0).low)
  }
}

async function alter (options) {
  const it = new Alterations(options)
  await it.admin.connect()
  await it.producer.connect()
  await alterPass(it)
  await it.admin.deleteTopics({ topics: [it.topic] })
  await it.producer.disconnect()
  await it.admin.disconnect()
  return it.met
}

const modes = { produce, group: groupPass(connect), admin, alter }
await run('kafkajs', 'kafkajs', { ...modes, member: options => beMember(options, member(connect)) })
