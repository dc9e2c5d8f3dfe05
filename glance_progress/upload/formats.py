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

"""What the name of a file says of an image, and what the file itself says."""

from __future__ import annotations

import pathlib

from oslo_utils.imageutils import format_inspector

from glance_progress.upload import item

KERNELS = ('.vmlinuz', '.kernel')
RAMDISKS = ('.initrd', '.initramfs')

#: suffix -> the format that it promises; None where it promises nothing
DISKS = {'.qcow2': 'qcow2', '.raw': 'raw', '.img': None, '.iso': 'iso',
         '.vmdk': 'vmdk', '.vhd': 'vhd', '.vhdx': 'vhdx', '.vdi': 'vdi'}

COMPRESSED = ('.gz', '.xz', '.bz2', '.zst', '.zip', '.lzma', '.7z')

#: The names of Glance's formats for kernels and ramdisks, which are container
#: formats as well. Glance looks into what is bare, and takes the boot sector
#: that a kernel begins with for that of a disk.
KERNEL = 'aki'
RAMDISK = 'ari'

# What Glance calls raw, since it keeps disks of it as they are.
_RAW = ('raw', 'gpt')


def is_image(path: pathlib.Path) -> bool:
    """Tell whether the name of a file is that of an image."""
    return path.suffix.lower() in (*DISKS, *KERNELS, *RAMDISKS)


def name(path: pathlib.Path) -> str:
    """Return the name of the image in a file.

    Kernel and ramdisk have the names that TripleO has given them, such as
    ``overcloud-full-vmlinuz``.
    """
    suffix = path.suffix.lower()
    if suffix in (*KERNELS, *RAMDISKS):
        return '%s-%s' % (path.stem, suffix[1:])
    return path.stem if suffix in DISKS else path.name


def of_name(path: pathlib.Path) -> str | None:
    """Return KERNEL or RAMDISK when the name of a file says so."""
    suffix = path.suffix.lower()
    if suffix in KERNELS:
        return KERNEL
    return RAMDISK if suffix in RAMDISKS else None


def detect(path: pathlib.Path, wanted: str | None = None) -> str:
    """Return the disk format of the data in a file.

    :param wanted: what a list says that it is; what the name says if None
    :raises item.Wrong: when the data are something else, or cannot be used
    :raises OSError: when the file cannot be read
    """
    if wanted in (KERNEL, RAMDISK, 'ami', 'ploop'):
        return wanted  # nothing can be seen of these
    if path.suffix.lower() in COMPRESSED:
        raise item.Wrong('%s is compressed; unpack it first' % path.name)
    found = _inspect(path)
    promised = wanted or DISKS.get(path.suffix.lower())
    if found in _RAW and promised in (None, 'raw'):
        return 'raw'
    if promised not in (None, found):
        raise item.Wrong('%s is %s, not %s' % (path.name, found, promised))
    if found not in DISKS.values():
        raise item.Wrong('%s is %s, which Glance does not take' % (
            path.name, found))
    return found


def _inspect(path: pathlib.Path) -> str:
    try:
        found = format_inspector.detect_file_format(str(path))
        if found is not None and str(found) not in _RAW:
            # A boot sector that looks odd is for Glance to judge.
            found.safety_check()
    except format_inspector.ImageFormatError as exc:
        # A disk image that boots from a disc as well is an ISO to Glance.
        if set(str(exc).rpartition(': ')[2].split(',')) == {'iso', 'gpt'}:
            return 'iso'
        raise item.Wrong('%s: %s' % (path.name, exc)) from exc
    except format_inspector.SafetyCheckFailed as exc:
        raise item.Wrong('%s is not safe to use: %s' % (
            path.name, '; '.join(map(str, exc.failures.values())))) from exc
    return str(found)
