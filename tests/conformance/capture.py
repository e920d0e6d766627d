"""Records the first request frames of every client, through a proxy on loopback, into frames/.

    .work/venv/bin/python capture.py HOST:PORT

The proxy names itself as the broker in all replies, so that clients stay with it after they have read metadata. Start
from a broker without topics: some clients name all they know of.
"""

import shutil
import socket
import struct
import sys
import threading

import matrix
import raw
import roster

FRAMES = roster.HERE / "frames"
RECORDS = 24
FRAME_BYTES_MAX = 16 << 20
APIS = {
    0: "produce",
    1: "fetch",
    2: "list-offsets",
    3: "metadata",
    10: "find-coordinator",
    18: "api-versions",
    19: "create-topics",
    20: "delete-topics",
    22: "init-producer-id",
    23: "offset-for-leader-epoch",
    32: "describe-configs",
    37: "create-partitions",
    60: "describe-cluster",
    75: "describe-topic-partitions",
}


class Tap:
    """Forwards between clients and one broker and keeps the first request of each API, version and label."""

    def __init__(self, upstream):
        host, port = upstream.rsplit(":", 1)
        self.upstream = (host, int(port))
        self.folder = self.label = None
        self.kept = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            broker = socket.create_connection(self.upstream)
            for side in client, broker:
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.forward, args=(client, broker, self.request), daemon=True).start()
            threading.Thread(target=self.forward, args=(broker, client, self.reply), daemon=True).start()

    def forward(self, source, sink, see):
        try:
            while True:
                length = struct.unpack(">i", read(source, 4))[0]
                if not 0 <= length <= FRAME_BYTES_MAX:
                    raise ValueError(f"a frame of {length} bytes")
                frame = see(read(source, length))
                sink.sendall(struct.pack(">i", len(frame)) + frame)
        except (OSError, EOFError):
            pass  # Either side may leave; the other is told so by the shutdown.
        for side in source, sink:
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def request(self, frame):
        key, version = struct.unpack_from(">hh", frame)
        name = f"{APIS.get(key, f'api-{key}')}-v{version}"
        # What a codec makes of records differs, and batches with a producer id from those without.
        name += f"-{self.label}" if key == 0 else ""
        self.kept.setdefault((self.folder, name), frame)
        return frame

    def reply(self, frame):
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


def capture(bootstrap):
    tap = Tap(bootstrap)
    run = matrix.Run(f"127.0.0.1:{tap.port}", RECORDS)
    run.cluster = raw.Cluster(bootstrap)  # The suite's own requests go past the proxy.
    run.prefix = "capture"  # Always the same, so that a new capture differs only where the client does.
    for name, client in matrix.CLIENTS.items():
        tap.folder = name
        for codec in raw.CODECS:
            tap.label = codec
            run.case(matrix.Case(name, codec, [name] if client.consumes else []))
        for acks in "1", "0":
            tap.label = f"acks{acks}"
            run.case(matrix.Case(name, "none", [], acks=acks, idempotent=False))
        tap.label = "admin"
        run.admin(name)
    if run.failed:
        sys.exit(f"{run.failed} steps failed: nothing is kept")
    for name in matrix.CLIENTS:
        shutil.rmtree(FRAMES / name, ignore_errors=True)
    for (folder, name), frame in sorted(tap.kept.items()):
        path = FRAMES / folder / f"{name}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(frame)
    print(f"{len(tap.kept)} frames, {sum(map(len, tap.kept.values()))} bytes")


if __name__ == "__main__":
    capture(sys.argv[1])
