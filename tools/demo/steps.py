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

"""What both demonstrations say and do."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
import contextlib
import hashlib
import pathlib
import random
import time

MiB = 1024 * 1024


def say(text: str) -> None:
    """Print the heading of a step."""
    print('\n=== %s' % text, flush=True)


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long the context has lasted."""
    started = time.monotonic()
    yield
    print('    %-40s %6.1f s' % (what, time.monotonic() - started), flush=True)


def make_image(path: pathlib.Path, mib: int) -> dict[str, str]:
    """Write so many MiB that do not compress, and return their hashes."""
    hashes = {name: hashlib.new(name) for name in ('md5', 'sha512')}
    generator = random.Random(path.name)
    with path.open('wb') as image:
        for _ in range(mib):
            chunk = generator.randbytes(MiB)
            image.write(chunk)
            for each in hashes.values():
                each.update(chunk)
    return {name: each.hexdigest() for name, each in hashes.items()}


def compare(label: str, expected: object, actual: object) -> None:
    """Print that both are the same.

    :raises SystemExit: if they differ
    """
    if expected != actual:
        raise SystemExit('%s differs: %s was expected, %s is there'
                         % (label, expected, actual))
    print('    %-40s the same' % label, flush=True)


def arguments(
    prog: str, description: str, size: int
) -> argparse.ArgumentParser:
    """Return a parser of what each demo understands.

    :param size: MiB that the image has if no other size is given
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument('--keep', action='store_true',
                        help='leave everything running')
    parser.add_argument('--down', action='store_true',
                        help='end what --keep has left, and nothing else')
    parser.add_argument('--size', type=int, default=size, metavar='MIB',
                        help='of the image, default %(default)s')
    return parser
