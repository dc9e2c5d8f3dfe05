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

"""What is to be done, decided by the seed alone, and so alike for both sides.
"""

from __future__ import annotations

import dataclasses
import random

from tests.chaos import cloud

MiB = 2 ** 20

#: Kind of action -> how often it comes.
KINDS = {
    'put': 4, 'put-chunked': 3, 'import': 3, 'download': 2, 'copy': 2,
    'snapshot': 3, 'cut': 2, 'lie-high': 1, 'lie-low': 1, 'expired': 1,
    'quota': 1, 'quota-chunked': 1, 'delete': 1,
}

#: Those in which the sender goes away or lies, and then begins again.
BROKEN = ('cut', 'lie-high', 'expired')

#: Those that Glance has to refuse, or that end by themselves.
REFUSED = ('quota', 'quota-chunked', 'delete')


@dataclasses.dataclass(frozen=True)
class Plan:
    """One action.

    Sizes are in bytes, and no two attempts of a run have the same one: so
    whose a figure is can be seen.
    """

    number: int
    kind: str
    #: Where it is sent to, and where an import is called for.
    host: str
    other_host: str
    #: Of the attempt that succeeds, if one does.
    size: int
    #: Of the attempt before it that does not; 0 if there is none.
    broken_size: int
    #: Seconds between two pieces of 512 KiB.
    pause: float
    stores: tuple[str, ...]
    seed: str

    def __str__(self) -> str:
        return '#%d %s of %d bytes%s at %s, %s to %s' % (
            self.number, self.kind, self.size,
            ' after %d' % self.broken_size if self.broken_size else '',
            self.host, self.other_host, ' and '.join(self.stores))

    def content(self) -> bytes:
        return random.Random(self.seed).randbytes(self.size)

    def broken_content(self) -> bytes:
        return random.Random(self.seed + ' broken').randbytes(
            self.broken_size)

    @property
    def expected(self) -> str:
        """What becomes of it if nothing is broken but what it breaks."""
        return 'refused' if self.kind in REFUSED else 'active'

    @property
    def sizes(self) -> list[int]:
        """What the total may be said to be, attempt by attempt."""
        return [size for size in (self.broken_size, self.size) if size]


def make(seed: int, number: int, kind: str | None = None,
         host: str | None = None) -> Plan:
    """Return the action of that number.

    :param kind: instead of one by chance
    :param host: instead of one by chance
    """
    mine = '%d %d' % (seed, number)
    rng = random.Random(mine)
    chosen = rng.choices(list(KINDS), list(KINDS.values()))[0]
    kind = kind or chosen
    size = rng.choice([1, 2, 3, 5, 8, 12, 20]) * MiB
    if kind in ('quota', 'quota-chunked'):
        size = cloud.QUOTA + 2 * MiB
    elif kind == 'copy':
        size = min(size, 12 * MiB)
    # Objects of a clone are whole ones, so is the size of a snapshot.
    unique = (number + 1) * (MiB if kind == 'snapshot' else 1000)
    if kind == 'snapshot':
        size = MiB * rng.choice([8, 16, 24])
        unique = 0
    hosts = [host or rng.choice(cloud.HOSTS) for _ in range(2)]
    return Plan(
        number, kind, hosts[0], hosts[1], size + unique,
        (rng.randint(2, 6) * MiB + unique + 500) if kind in BROKEN else 0,
        rng.choice([0, 0, 0.02, 0.1, 0.3]) if size < 10 * MiB else 0,
        rng.choice([('ceph',), ('second',), ('ceph', 'second')]), mine)
