"""Which file systems other machines, or the host of a virtual one, write to as well.

They don't tell about the changes that those make, and what one program locks or maps there, others may not see.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

# inotify(7): "The inotify API does not report ... events that occur for the remote file system"
_SILENT = frozenset(
    {
        "9p",
        "acfs",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "drvfs",
        "fakeowner",
        "gfs2",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
        "vmhgfs",
    }
)
_SILENT_FAMILY = "fuse."  # fuse.sshfs, fuse.grpcfuse ...; not fuseblk, which is a local disk


class Mounts:
    """The mounted file systems, as text in the form of Linux' /proc/self/mountinfo (proc(5)) lists them."""

    def __init__(self, text: str) -> None:
        # The last one of a mount point covers those before it.
        self._types = dict(map(_mount, filter(None, text.splitlines())))

    @classmethod
    def read(cls) -> Mounts:
        """Those of this process; none where the system doesn't list them like this."""
        try:
            return cls(Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape"))
        except OSError:
            return cls("")

    def silent(self, directory: str) -> bool:
        """Whether changes of a directory, given by its real path, may come without an event."""
        kind = self.kind(directory)
        return kind in _SILENT or kind.startswith(_SILENT_FAMILY)

    def kind(self, directory: str) -> str:
        """The type of the file system that a directory, given by its real path, is on; "" where nobody knows."""
        while directory not in self._types:
            parent = os.path.dirname(directory)  # noqa: PTH120 - real paths as text
            if parent == directory:
                return ""
            directory = parent
        return self._types[directory]


def _mount(line: str) -> tuple[str, str]:
    fields, _, source = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields.split(" ")[4])
    return point, source.split(" ")[0]
