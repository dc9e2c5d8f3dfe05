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

"""What the tests of the publisher share: a client, and records to send."""

import threading

from glance_progress.records import publisher
from glance_progress.records import wire
from tests.unit import base

#: An interval that no test lives to see the end of.
LONG = 3600


class Client:
    """Stands in for memcached.Memcached and records what it is given."""

    def __init__(self):
        self.calls = []
        self.stored = {}
        self.refused = ()  # keys, or True for all
        self.error = None
        self.resting = False
        self.open = threading.Event()
        self.open.set()
        self.changed = threading.Condition()

    def set_many(self, values, ttl):
        with self.changed:
            self.calls.append((dict(values), ttl))
            self.changed.notify_all()
        self.open.wait(base.PATIENCE)
        if self.error:
            raise self.error
        refused = [key for key in values
                   if self.refused is True or key in self.refused]
        self.stored.update(
            {k: v for k, v in values.items() if k not in refused})
        return refused

    def get_many(self, keys):
        if self.error:
            raise self.error
        return [{}, {k: self.stored[k] for k in keys if k in self.stored}]

    def wait_for_calls(self, count, timeout=base.PATIENCE):
        with self.changed:
            return self.changed.wait_for(
                lambda: len(self.calls) >= count, timeout)

    @property
    def sent(self):
        """The records of each call."""
        return [[wire.Record.from_json(v) for k, v in values.items()
                 if k.startswith('glance_progress:')]
                for values, _ in self.calls]


class TestCase(base.TestCase):

    def setUp(self):
        super().setUp()
        self.client = Client()
        self.addCleanup(self.client.open.set)
        self.publisher = self.publish()

    def publish(self, interval=LONG, legacy_ttl=None):
        return publisher.Publisher(self.client, interval, 600, legacy_ttl)

    def send(self, one):
        self.publisher.post(one, urgent=True)
        self.publisher.wait(one.key, base.PATIENCE)

    def flush(self):
        self.assertTrue(self.publisher.flush(base.PATIENCE))


def step(number, **fields):
    return base.a_record(
        bytes_written=number, updated_at=1010.0 + number, **fields)
