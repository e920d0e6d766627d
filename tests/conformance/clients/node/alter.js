// Changes the settings of a topic that is there, and deletes records of it: the same steps for all Node clients.
// `it` offers expect, expectError, and these by the client's own means: create, alter, setting, send, trim, earliest.

import { settle } from './report.js'

export async function alterPass (it) {
  const becomes = (name, value) => settle(`${name} becomes ${value}`, async () => {
    const [found, source] = await it.setting(name)
    if (found === value) it.expect(`${name}: source`, it.OF_THE_TOPIC, source)
    return found === value
  })
  await it.create(it.topic, 2, { 'retention.ms': '-1' })
  await settle('the topic serves', async () => it.earliest().then(() => true, () => false))
  await it.alter('max.message.bytes', '20000')
  await becomes('max.message.bytes', '20000')
  await becomes('retention.ms', '-1')
  await it.expectError('an unknown setting', 'INVALID_CONFIG', () => it.alter('no.such.setting', '1'))
  await it.expectError('a bad value', 'INVALID_CONFIG', () => it.alter('max.message.bytes', 'many'))
  for (let i = 0; i < 10; i++) await it.send(Buffer.from([i]))
  await it.expectError('larger than the new limit', 'MESSAGE_TOO_LARGE', () => it.send(Buffer.alloc(30_000)))
  await it.trim(4)
  it.expect('earliest', 4, await it.earliest())
  await it.expectError('more than there are', 'OFFSET_OUT_OF_RANGE', () => it.trim(11))
  await it.trim(-1)
  it.expect('earliest of none', 10, await it.earliest())
}
