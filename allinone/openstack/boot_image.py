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

"""A disk that boots, talks and stops: the smallest guest there can be."""

from __future__ import annotations

import os
import pathlib

SECTOR = 512
MiB = 2 ** 20
#: Tempest's tests of the console want ten lines at least.
LINES = 18

#: Where the BIOS loads the first sector.
_LOADED_AT = 0x7c00
#: Where the code begins in a FAT boot record, after its parameters.
_CODE_AT = 0x3e

# Real mode. The operand of the third instruction is filled in below.
_CODE = (
    b'\x31\xc0'            # xor ax, ax
    b'\x8e\xd8'            # mov ds, ax
    b'\xbe\x00\x00'        # mov si, TEXT
    b'\xba\xf8\x03'        # mov dx, 0x3f8   the first serial port
    b'\xac'                # next: lodsb
    b'\x84\xc0'            # test al, al
    b'\x74\x03'            # jz stop
    b'\xee'                # out dx, al
    b'\xeb\xf8'            # jmp next
    b'\xf4'                # stop: hlt
    b'\xeb\xfd')           # jmp stop
_OPERAND = 5


def boot_sector(text: str) -> bytes:
    """Return a sector that writes LINES lines of text to the serial port.

    It looks like that of a FAT volume: what looks like a partition table
    without partitions, Glance refuses with 415.

    :param text: one line, in ASCII, of at most 20 characters
    """
    jump = b'\xeb' + bytes([_CODE_AT - 2]) + b'\x90'
    head = bytearray((jump + b'MSDOS5.0').ljust(_CODE_AT, b'\0'))
    head[0x10] = 2  # copies of the FAT
    head[0x15] = 0xf8  # a fixed disk
    code = bytearray(_CODE)
    at = _LOADED_AT + len(head) + len(code)
    code[_OPERAND:_OPERAND + 2] = at.to_bytes(2, 'little')
    sector = bytes(head + code) + (text + '\r\n').encode() * LINES + b'\0'
    if len(sector) > SECTOR - 2:
        raise ValueError(f'too long for a boot sector: {text!r}')
    return sector.ljust(SECTOR - 2, b'\0') + b'\x55\xaa'


def write(path: pathlib.Path, text: str, size: int = 64 * MiB) -> None:
    """Write a raw disk.

    :param text: what boot_sector() takes
    :param size: size in bytes; all but the first sector is a hole
    """
    path.write_bytes(boot_sector(text))
    os.truncate(path, size)
