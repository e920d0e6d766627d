"""aiokafka looks at a group: listed, described, its committed offsets. It deletes none."""

from aiokafka.admin import AIOKafkaAdminClient

from report import expect


async def look(options):
    admin = AIOKafkaAdminClient(bootstrap_servers=options.bootstrap)
    await admin.start()
    listed = {group[0]: group[1] for group in await admin.list_consumer_groups()}
    expect("listed, with its protocol type", "consumer", listed.get(options.group))
    (answer,) = await admin.describe_consumer_groups([options.group])
    ((error, name, state, _protocol_type, _protocol, members, *_),) = answer.groups
    expect("described", (0, options.group, options.state), (error, name, state))
    expect("members", options.members, len(members))
    if options.committed:
        found = await admin.list_consumer_group_offsets(options.group)
        offsets = {where.partition: kept.offset for where, kept in found.items()}
        expect("committed", dict(enumerate(map(int, options.committed.split(",")))), offsets)
    await admin.close()
    return options.members
