# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.
"""Files that are replaced: all of them or none."""

from __future__ import annotations

from collections.abc import Iterator
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from patches.patching import errors

#: They would end the process.
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

#: What tells the owner of a file, and from which packaging system
_OWNER_TOOLS = (('dpkg', '-S'), ('rpm', '-qf'))


def owners(path: pathlib.Path) -> list[str]:
    """Return the packages of the distribution that *path* belongs to."""
    found = []
    for tool, option in _OWNER_TOOLS:
        if shutil.which(tool):
            asked = subprocess.run(
                [tool, option, str(path)], text=True, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL)
            if not asked.returncode:
                # dpkg says "package: path", and rpm "package".
                found.append(asked.stdout.split(': ')[0].strip())
    return found


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def write(contents: dict[pathlib.Path, bytes]) -> None:
    """Write all of the files, or none.

    :param contents: what to write by path; a symbolic link would be replaced
        by a file
    :raises CannotApply: when they cannot be written
    """
    temporary: list[str] = []
    replaced: list[tuple[str, pathlib.Path]] = []
    with _uninterrupted():
        try:
            for path, content in contents.items():
                for each in content, path.read_bytes():
                    temporary.append(_beside(path, each))
            for path, new, old in zip(
                    contents, temporary[::2], temporary[1::2]):
                os.replace(new, path)
                replaced.append((old, path))
        except OSError as exc:
            for old, path in replaced:
                os.replace(old, path)
            raise errors.CannotApply('cannot write: %s' % exc) from exc
        finally:
            for name in temporary:
                pathlib.Path(name).unlink(missing_ok=True)


def _beside(path: pathlib.Path, content: bytes) -> str:
    """Write a file that can take the place of *path*, and return its name."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
        if os.geteuid() == 0:
            status = path.stat()
            os.chown(name, status.st_uid, status.st_gid)
        shutil.copystat(path, name)
        # Python goes by it when it decides on what it has compiled before.
        os.utime(name)
    except OSError:
        os.unlink(name)
        raise
    return name
