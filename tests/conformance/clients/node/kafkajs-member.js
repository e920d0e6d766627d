// A member of a group in kafkajs.

// A rebalance may come between a read and its commit: whoever has the partition next reads these records again.
const LATE = ['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']

export const member = connect => async (options, voice) => {
  const { topic, group } = options
  const times = { sessionTimeout: 6000, rebalanceTimeout: 10_000, heartbeatInterval: 500, maxWaitTimeInMs: 100 }
  const consumer = connect(options).consumer({ groupId: group, ...times })
  let wrong
  const failed = new Promise((resolve, reject) => { wrong = reject })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => voice.assigned(payload.memberAssignment[topic] ?? []))
  consumer.on(consumer.events.REBALANCING, () => voice.assigned([]))
  consumer.on(consumer.events.CRASH, ({ payload }) => { if (!payload.restart) wrong(payload.error) })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, heartbeat, isRunning, isStale }) => {
      if (!isRunning() || isStale()) return
      try {
        voice.read(batch.partition, batch.messages)
      } catch (error) {
        wrong(error)
        return
      }
      const offset = String(Number(batch.lastOffset()) + 1)
      try {
        await consumer.commitOffsets([{ topic, partition: batch.partition, offset }])
        await heartbeat()
      } catch (error) {
        if (!LATE.includes(error.type)) throw error
        process.stderr.write(`not committed: ${error.message}\n`)
        throw error // It rejoins.
      }
    }
  })
  await Promise.race([voice.leaving, failed])
  await consumer.disconnect()
}
