"""Locks on files; imports nothing heavy."""

import errno
import fcntl


def try_lock(file: int) -> bool | None:
    """Take the lock of an open file, until it is closed or its process ends.

    Returns
    -------
    bool or None
        False if another process has it, None if the file system knows no locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True
