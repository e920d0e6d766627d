// Changes the settings of a topic that is there, and deletes records of it: the same steps for all Node clients.
// `it` offers expect, expectError, and these by the client's own means: create, alter, setting, send, trim, earliest.

export async function alterPass (it) {
  await it.create(it.topic, 2, { 'retention.ms': '-1' })
  await it.alter('max.message.bytes', '20000')
  it.expect('max.message.bytes', ['20000', it.OF_THE_TOPIC], await it.setting('max.message.bytes'))
  it.expect('retention.ms', ['-1', it.OF_THE_TOPIC], await it.setting('retention.ms'))
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
