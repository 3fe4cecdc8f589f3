"""One TOML file configures a node; every fault of it is reported at once, each with its place.

`load` reads any model made of `Section`s; the sections that every kind of process shares
stand in `node.settings.sections`, those of a branch or of HQ with their owners.
"""

from node.settings.loading import Fault, SettingsError, load
from node.settings.sections import (
    ClockSection,
    DatabaseSection,
    EtcdSection,
    ExistingFile,
    ListenSettings,
    LogSection,
    NodePath,
    PasswordFile,
    Section,
    TlsSettings,
    password_in,
)

__all__ = [
    "ClockSection",
    "DatabaseSection",
    "EtcdSection",
    "ExistingFile",
    "Fault",
    "ListenSettings",
    "LogSection",
    "NodePath",
    "PasswordFile",
    "Section",
    "SettingsError",
    "TlsSettings",
    "load",
    "password_in",
]
