// Reads a topic through a group: one consumer begins and leaves, two others share the rest.

import { record } from './dataset.js'
import { Difference, expect, sameBytes } from './report.js'

const PATIENCE = 120_000
const sum = counts => counts.reduce((a, b) => a + b, 0)

export const groupPass = connect => async options => {
  const { topic, count, partitions } = options
  const groupId = `${topic}-kafkajs`
  const kafka = connect(options)
  const seen = Array(partitions).fill(0)
  const wrong = []
  let committing = 0

  // What was read but not committed when the group changed comes again; nothing may be left out.
  const check = (partition, { offset, key, value }) => {
    if (Number(offset) < seen[partition]) return
    const at = `partition ${partition} offset ${seen[partition]}`
    expect(`${at}: offset`, String(seen[partition]), offset)
    const expected = record(Number(offset) * partitions + partition, 'grouped', false)
    if (!sameBytes(expected.key, key)) throw new Difference(`${at}: another key`)
    if (!sameBytes(expected.value, value)) throw new Difference(`${at}: another value`)
    seen[partition]++
  }

  const member = async owned => {
    const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500, maxWaitTimeInMs: 100 })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      owned[consumer.index] = payload.memberAssignment[topic]?.length ?? 0
    })
    consumer.index = owned.push(0) - 1
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, heartbeat }) => {
        try {
          batch.messages.forEach(message => check(batch.partition, message))
        } catch (error) {
          wrong.push(error)
          return
        }
        committing++
        try {
          const offset = String(Number(batch.lastOffset()) + 1)
          await consumer.commitOffsets([{ topic, partition: batch.partition, offset }])
          await heartbeat()
        } finally {
          committing--
        }
      }
    })
    return consumer
  }

  const until = async (what, reached) => {
    const begun = performance.now()
    while (!reached()) {
      if (wrong.length > 0) throw wrong[0]
      if (performance.now() - begun > PATIENCE) throw new Difference(`${what}: only ${seen} records per partition`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  const first = await member([])
  await until('the first consumer', () => sum(seen) >= count / 2)
  await first.disconnect()
  const owned = []
  const pair = [await member(owned), await member(owned)]
  const half = partitions / 2
  await until('the pair', () => sum(seen) === count && owned.every(each => each === half) && committing === 0)
  const counts = seen.map((_, index) => Math.floor((count - index + partitions - 1) / partitions))
  expect('records per partition', counts, seen)
  const admin = kafka.admin()
  await admin.connect()
  const { groups: [described] } = await admin.describeGroups([groupId])
  expect('state and members', ['Stable', 2], [described.state, described.members.length])
  for (const consumer of pair) await consumer.disconnect()
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const offsets = committed.partitions.sort((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))
  expect('committed offsets', counts, offsets)
  await admin.deleteGroups([groupId])
  const { groups } = await admin.listGroups()
  expect('listed after it was deleted', false, groups.some(group => group.groupId === groupId))
  await admin.disconnect()
  return sum(seen)
}
