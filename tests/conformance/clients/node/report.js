// The command line and the summary line that all Node clients of the suite share.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

class Difference extends Error {
  name = 'Difference'
}

// Bytes become text one to one, so that equal texts are equal values.
const text = value => String(JSON.stringify(value, (_, part) => {
  if (typeof part === 'bigint') return part.toString()
  return part?.type === 'Buffer' ? Buffer.from(part.data).toString('latin1') : part
}))

const short = shown => shown.length > 200 ? `${shown.slice(0, 200)}… (${shown.length} characters)` : shown

function expect (what, expected, actual) {
  const [wanted, found] = [text(expected), text(actual)]
  if (wanted !== found) throw new Difference(`${what}: expected ${short(wanted)}, got ${short(found)}`)
}

function sameBytes (a, b) {
  return a === null || a === undefined ? b === null || b === undefined : b instanceof Buffer && a.equals(b)
}

// An error with all that caused it.
function story (error) {
  const causes = [...(error.errors ?? []), ...(error.cause ? [error.cause] : [])]
  return [`${error.name}: ${error.message}`, ...causes.map(story)].join('; ')
}

// Metadata spreads after the answer to the change: waits until it has.
async function settle (what, reached) {
  for (let i = 0; i < 100; i++) {
    if (await reached()) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Difference(`${what}: not within 10 s`)
}

// [first, length] of batches of at most `most` records; ten a second where the pace is given.
async function * batches ({ count, pace }, most) {
  const begun = performance.now()
  const each = pace > 0 ? Math.ceil(pace / 10) : most
  for (let first = 0; first < count; first += each) {
    const ahead = pace > 0 ? first / pace * 1000 - (performance.now() - begun) : 0
    if (ahead > 0) await new Promise(resolve => setTimeout(resolve, ahead))
    yield [first, Math.min(each, count - first)]
  }
}

// Runs the mode that was asked for, which returns the records it handled, and prints one line about it.
async function run (client, pack, modes) {
  const { values, positionals: [mode] } = parseArgs({
    allowPositionals: true,
    options: {
      bootstrap: { type: 'string' },
      topic: { type: 'string' }, // For admin: the prefix of its topics.
      codec: { type: 'string', default: 'none' },
      count: { type: 'string', default: '0' },
      partitions: { type: 'string', default: '4' },
      acks: { type: 'string', default: 'all' },
      idempotent: { type: 'string', default: 'false' },
      partitioner: { type: 'string', default: 'explicit' },
      shape: { type: 'string', default: 'full' },
      since: { type: 'string', default: '0' },
      pace: { type: 'string', default: '0' }, // Of produce: records a second, or 0 for as fast as it goes.
      group: { type: 'string' },
      state: { type: 'string' }, // Of look, as the two that follow: what the group must be like.
      members: { type: 'string', default: '0' },
      committed: { type: 'string' },
      protocol: { type: 'string', default: 'classic' }
    }
  })
  const options = {
    ...values,
    count: Number(values.count),
    partitions: Number(values.partitions),
    since: Number(values.since),
    pace: Number(values.pace),
    members: Number(values.members),
    idempotent: values.idempotent === 'true',
    acks: values.acks === 'all' ? -1 : Number(values.acks)
  }
  if (mode === 'member') return modes.member(options)
  const { version } = JSON.parse(readFileSync(new URL(`./node_modules/${pack}/package.json`, import.meta.url)))
  const started = performance.now()
  let records = 0
  let result = 'ok'
  try {
    records = await modes[mode](options)
  } catch (error) {
    result = `FAILED difference="${story(error).replaceAll('\n', ' ').replaceAll('"', "'")}"`
    process.stderr.write(`${error.stack}\n`)
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(2)
  process.stdout.write(
    `client=${client} version=${version} mode=${mode} codec=${options.codec} topic=${options.topic} ` +
      `records=${records} seconds=${seconds} result=${result}\n`,
    () => process.exit(result === 'ok' ? 0 : 1)
  )
}

export { batches, Difference, expect, run, sameBytes, settle }
