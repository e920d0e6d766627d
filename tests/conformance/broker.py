"""The broker under test as a process of this suite, so that it can be killed and started again."""

import pathlib
import shlex
import subprocess
import time

import raw

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
# With which a JVM ends that was asked to: Kafka itself is served to this suite, too.
JVM_WAS_ASKED = 143


class Broker:
    """`command` starts it at `bootstrap`, in the foreground. What it says is kept in `log`."""

    def __init__(self, bootstrap, command, log):
        self.bootstrap, self.command, self.log = bootstrap, shlex.split(command), pathlib.Path(log)
        self.log.write_bytes(b"")
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"the broker ended with {self.process.returncode}:\n{self.tail()}")
            try:
                raw.broker_version(raw.Cluster(self.bootstrap))
                return
            except (OSError, ConnectionError):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the broker does not serve:\n{self.tail()}") from None
                time.sleep(0.05)

    def kill(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks it to end; says with which code it did."""
        self.process.terminate()
        code = self.process.wait(STOP_SECONDS_MAX)
        return 0 if code == JVM_WAS_ASKED else code

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:]
