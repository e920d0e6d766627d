// A member of a group in @platformatic/kafka.

import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'

const COMMIT_RECORDS_MAX = 200
const LATE = ['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']
LATE.push('STALE_MEMBER_EPOCH', 'FENCED_MEMBER_EPOCH')

export const member = base => async (options, voice) => {
  const { topic, group, protocol } = options
  const classic = { sessionTimeout: 6000, rebalanceTimeout: 10_000, heartbeatInterval: 500 }
  const consumer = new Consumer({
    ...base(options),
    groupId: group,
    groupProtocol: protocol,
    ...(protocol === 'classic' ? classic : {})
  })
  let leaving = false
  let stream
  const tellOwned = () => {
    const mine = consumer.assignments?.find(each => each.topic === topic)
    voice.assigned(mine?.partitions ?? [])
  }
  const watching = setInterval(tellOwned, 50)
  voice.leaving.then(() => {
    leaving = true
    stream?.close()
  })
  while (!leaving) {
    stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
      maxWaitTime: 100
    })
    try {
      await read(stream, voice, tellOwned)
    } catch (error) {
      // A commit that came too late ends the stream: whoever has the partition next reads these records again.
      if (!rejoins(error)) throw error
      process.stderr.write(`not committed: ${error.message}\n`)
    }
  }
  clearInterval(watching)
  await consumer.close(true)
}

async function read (stream, voice, tellOwned) {
  let pending = []
  let failure = null
  for await (const message of stream) {
    pending.push(message)
    if (stream.readableLength > 0 && pending.length < COMMIT_RECORDS_MAX) continue
    // What is read counts for what was told before.
    tellOwned()
    for (const [partition, messages] of Map.groupBy(pending, each => each.partition)) {
      voice.read(partition, messages)
      // Not waited for: it commits the newest of what is asked for meanwhile.
      messages.at(-1).commit().catch(error => { failure = error })
    }
    pending = []
    if (failure) throw failure
  }
  if (failure) throw failure
}

const rejoins = error =>
  LATE.includes(error.apiId) || (error.errors ?? []).some(rejoins) || (error.cause ? rejoins(error.cause) : false)
