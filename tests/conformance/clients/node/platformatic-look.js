// A group is listed and described as it is. Where it has members it is not deleted; where it has none its committed
// offsets are looked at, and it is, once.

import { Admin, findErrorBy } from '@platformatic/kafka'

import { Difference, expect } from './report.js'

export const look = base => async options => {
  const admin = new Admin(base(options))
  const { topic, group, state, members, committed } = options
  const isListed = async () => (await admin.listGroups()).has(group)
  const remove = () => admin.deleteGroups({ groups: [group] })
  expect('listed', true, await isListed())
  const described = (await admin.describeGroups({ groups: [group] })).get(group)
  expect('state and members', [state, members], [described.state, described.members.size])
  if (members > 0) {
    await refused('a group with members deleted', 'NON_EMPTY_GROUP', remove)
  } else {
    const [found] = await admin.listConsumerGroupOffsets({ groups: [group] })
    const partitions = found.topics.find(({ name }) => name === topic).partitions
    const offsets = partitions.sort((a, b) => a.partitionIndex - b.partitionIndex).map(each => each.committedOffset)
    expect('committed', committed, offsets.join(','))
    await remove()
    expect('listed after it was deleted', false, await isListed())
    await refused('a group deleted twice', 'GROUP_ID_NOT_FOUND', remove)
  }
  await admin.close()
  return members
}

async function refused (what, error, action) {
  try {
    await action()
  } catch (found) {
    if (findErrorBy(found, 'apiId', error)) return
    throw found
  }
  throw new Difference(`${what}: expected ${error}, but it succeeded`)
}
