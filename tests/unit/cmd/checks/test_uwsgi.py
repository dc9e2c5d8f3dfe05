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

import argparse
import os

import fixtures

from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import uwsgi
from tests.unit import base

WELL = {'http-socket': ':9292', 'processes': '2', 'threads': '4',
        'chunked-input-limit': '16777216', 'chunked-input-timeout': '60'}


class TestCheck(base.TestCase):

    def check(self, uploads=4, text=None, **changes):
        options = {**WELL, **{name.replace('_', '-'): value
                              for name, value in changes.items()}}
        path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'uwsgi.ini')
        with open(path, 'w') as file:
            file.write('[uwsgi]\n' + ''.join(
                '%s = %s\n' % item for item in options.items()
                if item[1] is not None) if text is None else text)
        result = uwsgi.check(subject.Subject(None, argparse.Namespace(
            uwsgi_conf=path, uploads=uploads)))
        self.details = result.details
        return int(result.code)

    def test_well(self):
        self.assertEqual(0, self.check(), self.details)
        self.assertIsNone(self.details)

    def test_one_thread(self):
        for changes in ({'processes': None, 'threads': None},
                        {'processes': '1', 'threads': '1'}):
            self.assertEqual(2, self.check(**changes))
            self.assertIn('waits for its end', self.details)
        self.assertEqual(0, self.check(uploads=1, processes=None, p='2'))
        self.assertEqual(0, self.check(uploads=1, processes=None, workers='2'))

    def test_fewer_threads_than_uploads(self):
        self.assertEqual(1, self.check(uploads=8))
        self.assertIn('processes = 2 and threads = 4', self.details)
        self.assertEqual(0, self.check(uploads=7))

    def test_threads_of_python(self):
        self.assertEqual(1, self.check(1, threads='1'))
        self.assertIn('enable-threads', self.details)
        self.assertEqual(1, self.check(1, threads='1', enable_threads='false'))
        self.assertEqual(0, self.check(1, threads='1', enable_threads='true'))

    def test_chunks(self):
        self.assertEqual(2, self.check(http=':9292'))
        self.assertIn('http-chunked-input', self.details)
        for name in 'http_chunked_input', 'http_raw_body':
            self.assertEqual(0, self.check(http=':9292', **{name: '1'}))
        for limit in None, '1048576':
            self.assertEqual(1, self.check(chunked_input_limit=limit))
            self.assertIn('chunked-input-limit = 16777216', self.details)
        for timeout in None, '4':
            self.assertEqual(1, self.check(chunked_input_timeout=timeout))
        self.assertEqual(0, self.check(
            chunked_input_timeout=None, socket_timeout='30'))

    def test_as_uwsgi_reads_it(self):
        text = ('; a comment\n[uwsgi]\nhome = %d/venv\nthreads=2\n'
                'env = A=1\nenv = B=2\nenable-threads\nhttp-socket=:1\n'
                'processes=4\nchunked-input-limit=16777216\n'
                'socket-timeout=60\n')
        self.assertEqual(0, self.check(text=text), self.details)

    def test_a_variable(self):
        self.assertEqual(1, self.check(processes='%k'))
        self.assertIn('processes = %k is no number', self.details)

    def test_no_such_file(self):
        for text in 'threads = 1\n', '[other]\n', '[uwsgi\n':
            exc = self.assertRaises(ValueError, self.check, text=text)
            self.assertIn('uwsgi.ini is no ini file', str(exc))
        self.assertRaises(OSError, uwsgi.check, subject.Subject(
            None, argparse.Namespace(uwsgi_conf='/missing.ini', uploads=1)))
