"""Keeping a second writer away from a journal, and journals away from file systems that are unsafe for them."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..errors import CountermandError

#: File systems whose locks and shared memory SQLite's write-ahead log cannot rely on, as Linux names them.
_NETWORK = frozenset(
    """nfs nfs4 cifs smb3 smbfs ncpfs afs 9p ceph glusterfs lustre gpfs beegfs ocfs2 gfs2 coda davfs
    fuse.sshfs fuse.glusterfs fuse.rclone fuse.s3fs fuse.davfs2 fuse.gcsfuse fuse.ceph fuse.cephfs""".split()
)
MOUNTS = Path("/proc/self/mountinfo")


class Lock:
    """A lock on a file next to a journal, held until it is released or the process ends."""

    def __init__(self, path: Path) -> None:
        self._journal = path
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock. Raises `CountermandError` if another process holds it."""
        journal = self._journal.resolve()  # a symlink and what it names are one journal
        path = journal.with_name(journal.name + ".lock")
        while True:
            file = path.open("ab")
            try:
                _lock(file)
            except OSError:
                file.close()
                raise CountermandError("another run is writing it") from None
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    self._file = file
                    return
            file.close()  # its last owner has removed it in the meantime

    def release(self) -> None:
        """Release the lock and remove the file."""
        if self._file is not None:
            with suppress(OSError):
                Path(self._file.name).unlink()  # while it is locked: a process that waits for it checks again
            self._file.close()
            self._file = None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def refuse_network(path: Path) -> None:
    """Raise `CountermandError` if `path` is on a network file system, as far as Linux shows it."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = filesystem(path.resolve(), mounts)
    if kind in _NETWORK:
        raise CountermandError(f"it is on a network file system ({kind}), which cannot keep it safely")


def filesystem(path: Path, mounts: str) -> str | None:
    """Return the type of the file system that holds `path`, from the lines of `mountinfo`."""
    found: tuple[int, str] | None = None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        mount = Path(fields[4].encode().decode("unicode_escape") if "\\" in fields[4] else fields[4])
        depth = len(mount.parts)
        if path.is_relative_to(mount) and (found is None or depth >= found[0]):
            found = depth, after.split(" ")[0]
    return found[1] if found else None
