"""A fault of a person's file or option (`router.problems`), in the language in use."""

import errno

from node.words.catalog import marked
from node.words.catalog import text as _
from router.problems import Problem


def told(problem: Problem) -> str:
    """Where it is and what is wrong, in one line."""
    parts = [_("line {number}", number=problem.line)] if problem.line else []
    parts += [problem.place] if problem.place else []
    what = _(problem.wording).format(**problem.values)
    return _("{place}: {what}", place=_(", ").join(parts), what=what) if parts else what


def told_os_error(error: OSError) -> str:
    """Why the system did not do it; its own English where that is rare."""
    return _(_OS_ERRORS[error.errno]) if error.errno in _OS_ERRORS else error.strerror or str(error)


_OS_ERRORS = {
    errno.ENOENT: marked("No such file or directory"),
    errno.EACCES: marked("Permission denied"),
    errno.EPERM: marked("Operation not permitted"),
    errno.EISDIR: marked("Is a directory"),
    errno.ENOTDIR: marked("Not a directory"),
    errno.EEXIST: marked("File exists"),
    errno.ENOSPC: marked("No space left on device"),
    errno.EROFS: marked("Read-only file system"),
    errno.EADDRINUSE: marked("Address already in use"),
    errno.EADDRNOTAVAIL: marked("cannot listen there; is the port taken?"),
    errno.ECONNREFUSED: marked("Connection refused"),
}
"""What commands meet; the system words it in English whatever the locale, as Python asks it."""
