// One member of a group tells what it owns and reads until it is asked to leave: see ../../README.md, "Members".

import { inspect } from 'node:util'

import { record } from './dataset.js'
import { Difference, sameBytes } from './report.js'

export class Voice {
  #owned = null

  constructor (options) {
    this.options = options
    this.leaving = new Promise(resolve => process.once('SIGTERM', resolve))
  }

  say (...words) {
    process.stdout.write(`${words.join(' ')}\n`)
  }

  assigned (partitions) {
    const owned = [...partitions].sort((a, b) => a - b).join(' ')
    if (owned === this.#owned) return
    this.#owned = owned
    this.say('assigned', owned)
  }

  // Messages of one partition, in order.
  read (partition, messages) {
    let [first, next] = [null, null]
    for (const { offset, key, value } of messages) {
      const at = Number(offset)
      const expected = record(at * this.options.partitions + partition, this.options.shape, false)
      if (!sameBytes(expected.key, key)) throw new Difference(`partition ${partition} offset ${at}: another key`)
      if (!sameBytes(expected.value, value)) throw new Difference(`partition ${partition} offset ${at}: another value`)
      if (next !== null && at !== next) {
        this.say('read', partition, first, next - 1)
        first = null
      }
      first ??= at
      next = at + 1
    }
    if (first !== null) this.say('read', partition, first, next - 1)
  }
}

export async function beMember (options, member) {
  const voice = new Voice(options)
  let last = 'left'
  try {
    await member(options, voice)
  } catch (error) {
    process.stderr.write(`${inspect(error, { depth: 4 })}\n`)
    last = `failed ${error.name}: ${error.message.replaceAll('\n', ' ')}`
  }
  process.stdout.write(`${last}\n`, () => process.exit(last === 'left' ? 0 : 1))
}
