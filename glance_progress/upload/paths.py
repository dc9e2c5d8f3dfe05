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

"""From the paths that a user names to the images that are to be."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import os
import pathlib

from glance_progress.upload import formats
from glance_progress.upload import item
from glance_progress.upload import lists
from glance_progress.upload import sources


class Found:
    """What is found at paths.

    Kernel and ramdisk come before the image that they are of.

    :ivar items: the images, in the order of the paths
    :ivar ignored: what was left out, and why, in words
    """

    def __init__(self) -> None:
        self.items: list[item.Item] = []
        self.ignored: list[str] = []
        self._by_path: dict[str, item.Item] = {}

    def add(self, path: pathlib.Path) -> None:
        """Add what is at a path: a folder, a list or an image."""
        if os.path.isdir(path):
            self._add_folder(path)
        elif lists.is_list(path):
            self._add_list(path)
        else:
            self._file(path)

    def _add_folder(self, folder: pathlib.Path) -> None:
        images = []
        name = folder.name or str(folder)
        try:
            found = sorted(folder.iterdir())
        except OSError as exc:
            self._wrong(name, '%s: %s' % (folder, exc.strerror))
            return
        for path in found:
            if os.path.isdir(path):
                self.ignored.append('%s: it is a folder in a folder' % path)
            elif formats.is_image(path):
                images.append(path)
            else:
                self.ignored.append(
                    '%s: its name is not that of an image' % path)
        if not images:
            self._wrong(name, 'there is no image in %s' % folder)
        for path in images:
            same = self._file(path)
            if same.name != formats.name(path):
                self.ignored.append(
                    '%s: it is the file of %s' % (path, same.name))

    def _add_list(self, path: pathlib.Path) -> None:
        try:
            entries, ignored = lists.read(path)
        except item.Wrong as exc:
            self._wrong(path.name, str(exc))
            return
        self.ignored += ignored
        for entry in entries:
            self._add_entry(entry)

    def _add_entry(self, entry: lists.Entry) -> None:
        if entry.wrong is not None or entry.location is None:
            self._wrong(entry.name, entry.wrong or 'it has no data')
            return
        if isinstance(entry.location, pathlib.Path):
            new = self._file(entry.location, entry)
        else:
            new = self._url(entry.location, entry)
        new.checksum, new.visibility = entry.checksum, entry.visibility
        new.protected, new.tags = entry.protected, entry.tags
        new.min_disk, new.min_ram = entry.min_disk, entry.min_ram
        new.stores, new.properties = entry.stores, entry.properties

    def _url(self, url: str, entry: lists.Entry) -> item.Item:
        new = item.Item(entry.name, sources.Url(url))
        if entry.disk_format is None:
            new.wrong = 'a URL needs its format to be given'
        elif pathlib.PurePath(url).suffix.lower() in formats.COMPRESSED:
            new.wrong = '%s is compressed' % url
        else:
            _give_format(new, entry.disk_format)
        self.items.append(new)
        return new

    def _file(
        self, path: pathlib.Path, entry: lists.Entry | None = None
    ) -> item.Item:
        """Return the image in a file, and add it unless that was done."""
        place = os.path.realpath(path)  # also where links go round
        known = self._by_path.get(place)
        if known is not None and entry is None:
            return known
        new = item.Item(formats.name(path) if entry is None else entry.name)
        self._by_path.setdefault(place, new)
        try:
            if not _is_text(new.name):
                raise item.Wrong('the name of the file is not UTF-8')
            new.source = sources.File(path)
            if not path.is_file() or not new.source.size:
                raise item.Wrong('%s is no file, or empty' % path)
            wanted = (formats.of_name(path) if entry is None
                      else entry.disk_format or formats.of_name(path))
            _give_format(new, formats.detect(path, wanted))
        except (item.Wrong, sources.Unreadable) as exc:
            new.wrong = str(exc)
        except OSError as exc:
            new.wrong = '%s: %s' % (path, exc.strerror)
        if new.disk_format not in (formats.KERNEL, formats.RAMDISK):
            new.kernel = self._part(
                path, formats.KERNELS, entry.kernel if entry else None)
            new.ramdisk = self._part(
                path, formats.RAMDISKS, entry.ramdisk if entry else None)
        self.items.append(new)
        return new

    def _part(
        self, path: pathlib.Path, suffixes: Iterable[str],
        named: pathlib.Path | None,
    ) -> item.Item | None:
        """Return the kernel or ramdisk of an image: named, or beside it."""
        if named is not None:
            part = self._file(named)
            _give_format(part, formats.of_name(named) or (
                formats.KERNEL if suffixes == formats.KERNELS
                else formats.RAMDISK))
            return part
        if path.suffix.lower() not in formats.DISKS:
            return None
        for suffix in suffixes:
            # None as well where the longer name is too long for a file.
            if os.path.isfile(path.with_suffix(suffix)):
                return self._file(path.with_suffix(suffix))
        return None

    def _wrong(self, name: str, why: str) -> None:
        self.items.append(item.Item(name, wrong=why))


def _is_text(name: str) -> bool:
    """Tell whether a name can be told to others; Python's may be bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _give_format(new: item.Item, disk_format: str) -> None:
    new.disk_format = disk_format
    if disk_format in (formats.KERNEL, formats.RAMDISK):
        new.container_format = disk_format


def find(paths: Sequence[str]) -> Found:
    """Return the images at *paths*, those that are wrong among them."""
    found = Found()
    for path in paths:
        found.add(pathlib.Path(path))
    last: dict[str, item.Item] = {}
    for each in found.items:
        each.after = last.get(each.name)
        last[each.name] = each
    return found
