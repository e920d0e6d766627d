"""The flexible encoding of newer versions of the protocol."""

import raw


class Compact(raw.Reader):
    """Reads the flexible encoding."""

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self):
        length = self.unsigned() - 1
        return None if length < 0 else self.bytes(length).decode()

    def array(self, read):
        count = self.unsigned() - 1
        return None if count < 0 else [read() for _ in range(count)]

    def tags(self):
        for _ in range(self.unsigned()):
            self.unsigned()
            self.bytes(self.unsigned())

    def partitions(self):
        """Of all topics, there being one."""

        def topic():
            self.bytes(16)
            found = self.array(lambda: self.take("i"))
            self.tags()
            return found

        return sorted(sum(self.array(topic) or [], []))


def unsigned(value):
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def string(text):
    return unsigned(len(text.encode()) + 1) + text.encode()


def array(items):
    return unsigned(len(items) + 1) + b"".join(items)
