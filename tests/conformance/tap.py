"""A proxy on loopback between clients and one broker, which sees whole frames.

It names itself as the broker in all replies, so that clients stay with it after they have read metadata.
"""

import socket
import struct
import threading

FRAME_BYTES_MAX = 16 << 20


class Tap:
    """`talk` makes what looks at one connection: `request` and `reply` get each frame and say what is passed on.

    Nothing is passed on for `None`; an `EOFError` cuts the connection.
    """

    def __init__(self, upstream, talk):
        host, port = upstream.rsplit(":", 1)
        self.upstream, self.talk = (host, int(port)), talk
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # The tap was closed.
            try:
                broker = socket.create_connection(self.upstream)
            except OSError:
                client.close()  # The broker is away.
                continue
            for side in client, broker:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            talk = self.talk()
            reply = lambda frame, see=talk.reply: see(self.renamed(frame))  # noqa: E731
            threading.Thread(target=self.forward, args=(client, broker, talk.request), daemon=True).start()
            threading.Thread(target=self.forward, args=(broker, client, reply), daemon=True).start()

    def close(self):
        self.listener.close()

    def forward(self, source, sink, see):
        try:
            while True:
                length = struct.unpack(">i", read(source, 4))[0]
                if not 0 <= length <= FRAME_BYTES_MAX:
                    raise ValueError(f"a frame of {length} bytes")
                frame = see(read(source, length))
                if frame is not None:
                    sink.sendall(struct.pack(">i", len(frame)) + frame)
        except (OSError, EOFError):
            pass  # Either side may leave; the other is told so by the shutdown.
        for side in source, sink:
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def renamed(self, frame):
        """Wherever a reply names the broker's address, it names the proxy's instead, which has the same length."""
        for host in b"127.0.0.1", b"localhost":
            address = host + struct.pack(">i", self.upstream[1])
            frame = frame.replace(address, host + struct.pack(">i", self.port))
        return frame


def read(source, length):
    parts = bytearray()
    while len(parts) < length:
        part = source.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
