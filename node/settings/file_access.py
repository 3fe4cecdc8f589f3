"""Who else on the machine can read a file with a database's password in it."""

import stat
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr


def is_open_password(file: Path, url: SecretStr) -> bool:
    """Whether `file` holds the password of `url`, and users other than its owner and group can read it.

    Raises:
        OSError: the file cannot be read.
    """
    password = urlsplit(url.get_secret_value()).password
    if not password or not file.stat().st_mode & stat.S_IROTH:
        return False
    # It may come from the environment instead.
    return password in file.read_text(encoding="utf-8")
