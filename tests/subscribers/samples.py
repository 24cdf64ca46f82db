"""The samples for other teams' developers, started as the processes they are."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.npm import BIN, NODE, PATH

EXAMPLES = Path(__file__).parents[2] / "examples" / "subscribers"
COMMANDS: dict[str, list[str | Path]] = {
    "with_aio_pika": [BIN / "python", EXAMPLES / "with_aio_pika.py"],
    "with_faststream": [BIN / "faststream", "run", "--app-dir", EXAMPLES, "with_faststream:app"],
    "subscriber": [NODE, "subscriber.mjs"],
}
FILES = {
    "with_aio_pika": "with_aio_pika.py",
    "with_faststream": "with_faststream.py",
    "subscriber": "subscriber.mjs",
}


class Sample:
    """One of them in a folder of its own, where it keeps what it has done."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.name, self.folder = name, folder
        self._environment = PATH | {"HOME": str(folder), "TEAM_URL": url}

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self._process = subprocess.Popen(
                [str(word) for word in COMMANDS[self.name]],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def kill(self) -> None:
        """As the power does."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    @property
    def lines(self) -> list[str]:
        """Whole lines on stdout, of all its lives."""
        whole, _, _ = (self.folder / "out").read_text("utf-8").rpartition("\n")
        return whole.splitlines()

    @property
    def ids(self) -> list[str]:
        """Of the events it told of."""
        return [line.split()[-1] for line in self.lines]

    @property
    def complaints(self) -> str:
        return (self.folder / "err").read_text("utf-8")


@contextmanager
def running(samples: dict[str, Sample]) -> Iterator[dict[str, Sample]]:
    for sample in samples.values():
        sample.start()
    try:
        yield samples
    finally:
        for sample in samples.values():
            sample.kill()
