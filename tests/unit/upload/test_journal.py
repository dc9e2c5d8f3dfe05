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

import fcntl
import pathlib

import fixtures

from glance_progress.upload import journal
from tests.unit import base


class TestJournal(base.TestCase):

    def setUp(self):
        super().setUp()
        self.where = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'uploads'

    def dead(self, place='cloud'):
        return list(journal.dead(self.where, place))

    def die(self, notes):
        notes._file.close()

    def test_alive(self):
        notes = journal.Journal(self.where, 'cloud')
        notes.add('i1')
        self.assertEqual([], self.dead())
        notes.end(clean=True)
        self.assertEqual([], list(self.where.iterdir()))

    def test_dead(self):
        notes = journal.Journal(self.where, 'cloud')
        notes.add('i1')
        notes.add('i2')
        self.die(notes)
        self.assertEqual([], self.dead('another cloud'))
        found, = self.dead()
        self.assertEqual((notes.run, ('i1', 'i2')),
                         (found.run, found.image_ids))
        found.forget()
        self.assertEqual([], self.dead())

    def test_left_behind(self):
        notes = journal.Journal(self.where, 'cloud')
        notes.add('i1')
        notes.end(clean=False)
        self.assertEqual(1, len(self.dead()))

    def test_one_alone_cleans_up(self):
        self.die(journal.Journal(self.where, 'cloud'))
        for _ in journal.dead(self.where, 'cloud'):
            self.assertEqual([], self.dead())

    def test_no_place(self):
        self.where.write_text('a file')
        notes = journal.Journal(self.where, 'cloud')
        notes.add('i1')
        notes.end(clean=True)
        self.assertEqual([], self.dead())

    def test_lock_of_a_file_that_is_just_made(self):
        self.where.mkdir()
        with open(self.where / 'run', 'w') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.assertEqual([], self.dead())
