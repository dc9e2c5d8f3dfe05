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

"""The staging area of this host: its files, and a place for those put away.

A file that is taken away goes to a folder beside it, from which it comes back
until its time is over.
"""

from __future__ import annotations

from collections.abc import Iterator
import os
import pathlib
import time

from glance import housekeeping
import psutil

from glance_progress.leftovers import facts

#: Where files are put; Glance's own cleaner ignores it.
FOLDER = '.glance-progress-leftovers'

# What processes of other hosts may have open as well.
_SHARED = ('nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'glusterfs', 'lustre',
           'gpfs', '9p', 'virtiofs', 'ocfs2', 'gfs2')


# In names of programs that run Glance.
_SERVERS = ('glance', 'python', 'uwsgi', 'apache', 'httpd', 'gunicorn')


def directory() -> pathlib.Path:
    return pathlib.Path(housekeeping.staging_store_path())


def files() -> dict[str, tuple[facts.File, ...]]:
    """Return the files of the staging area, by the ids of images."""
    found: dict[str, tuple[facts.File, ...]] = {}
    if not directory().is_dir():
        return found
    known, opened = _opened()
    shared = _is_shared(directory())
    for path in sorted(directory().iterdir()):
        image_id = housekeeping.StagingStoreCleaner.get_image_id(path.name)
        if image_id is None:
            continue
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        is_open: bool | None = (status.st_dev, status.st_ino) in opened
        if not is_open and (shared or not known):
            is_open = None
        found[image_id] = (*found.get(image_id, ()), facts.File(
            str(path), status.st_size, status.st_mtime, is_open))
    return found


def put_away(file: facts.File) -> pathlib.Path:
    """Move a file to the folder of those taken away, and return where to."""
    path = pathlib.Path(file.path)
    folder = path.parent / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / path.name
    path.replace(target)
    os.utime(target)  # its time begins
    return target


def put_away_before() -> Iterator[pathlib.Path]:
    """Return the files that have been taken away."""
    folder = directory() / FOLDER
    if folder.is_dir():
        yield from sorted(folder.iterdir())


def bring_back(path: pathlib.Path) -> bool:
    """Move a file back; False if there is another of that name."""
    target = path.parent.parent / path.name
    if target.exists():
        return False
    path.rename(target)
    return True


def expire(seconds: float) -> int:
    """Delete what was taken away longer ago, and return how much that was."""
    count = 0
    for path in put_away_before():
        if time.time() - path.stat().st_mtime >= seconds:
            path.unlink()
            count += 1
    return count


def _opened() -> tuple[bool, set[tuple[int, int]]]:
    """Return whether all processes can be seen, and what they have open."""
    complete = True
    found = set()
    for process in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            for each in os.scandir(process / 'fd'):
                try:
                    status = each.stat()
                except FileNotFoundError:
                    continue
                found.add((status.st_dev, status.st_ino))
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            complete = complete and not _may_be_glance(process)
    return complete, found


def _may_be_glance(process: pathlib.Path) -> bool:
    """Tell whether a process that hides what it has open may be a worker.

    The first of a machine or container may do so from root, too.
    """
    if process.name != '1':
        return True
    try:
        name = (process / 'comm').read_text()
    except OSError:
        return True
    return any(each in name for each in _SERVERS)


def _is_shared(path: pathlib.Path) -> bool:
    """Tell whether other hosts may write to where *path* is."""
    real = str(path.resolve())
    kind = ''
    longest = -1
    for each in psutil.disk_partitions(all=True):
        inside = real == each.mountpoint or real.startswith(
            each.mountpoint.rstrip('/') + '/')
        if inside and len(each.mountpoint) > longest:
            longest, kind = len(each.mountpoint), each.fstype
    return kind in _SHARED or kind.startswith('fuse')
