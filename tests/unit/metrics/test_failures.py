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

"""Tests for what is counted of failures, and their kinds."""

import ast
import pathlib
import re

from glance_progress.answer import reconcile
from glance_progress.driver import failure
from glance_progress.imports import reasons as imports_reasons
from glance_progress.metrics import failures
from glance_progress.metrics import reasons
from tests.unit import base

TOP = pathlib.Path(__file__).resolve().parents[3]

SENTENCE = re.compile(r'[A-Z][^<>]+\.$')


def failed(image_id='a', at=1001.0, why=failure.SOURCE):
    return {'image_id': image_id,
            'last_failure': {'updated_at': at, 'failure': why}}


class TestFailures(base.TestCase):

    def setUp(self):
        super().setUp()
        self.failures = failures.Failures(since=1000.0)

    def counts(self):
        family, = self.failures.families()
        return {sample.labels['reason']: sample.value
                for sample in family.samples if sample.value}

    def take(self, *images):
        self.failures.take(images)
        return self.counts()

    def test_all_kinds_begin_with_nothing(self):
        family, = self.failures.families()
        self.assertEqual(list(reasons.KINDS), [
            sample.labels['reason'] for sample in family.samples])
        self.assertEqual({'glance_progress_failures_total'},
                         {sample.name for sample in family.samples})
        self.assertEqual({}, self.counts())

    def test_each_counts_once(self):
        for _ in range(3):
            self.assertEqual({'sender': 1}, self.take(failed()))
        self.assertEqual({'sender': 1}, self.take())
        self.assertEqual({'sender': 1}, self.take(failed()))
        self.assertEqual({'sender': 2}, self.take(failed(), failed('b')))

    def test_another_attempt_counts(self):
        self.take(failed())
        self.assertEqual({'sender': 2}, self.take(failed(at=1002.0)))

    def test_what_was_before_does_not_count(self):
        self.assertEqual({}, self.take(failed(at=999.0)))

    def test_what_the_database_alone_knows_does_not_count(self):
        self.assertEqual({}, self.take(
            {'image_id': 'a', 'last_failure': None}))

    def test_what_is_new_to_us(self):
        self.assertEqual({'other': 1}, self.take(failed(why='Cosmic rays.')))

    def test_it_remembers_no_more_than_it_must(self):
        many = [failed(str(n), 1001.0 + n)
                for n in range(failures._REMEMBERED + 10)]
        for _ in range(2):
            self.assertEqual({'sender': len(many)}, self.take(*many))
        self.assertEqual(failures._REMEMBERED, len(self.failures._seen))


class TestKinds(base.TestCase):

    def assert_known(self, sentences):
        self.assertNotEqual([], sentences)
        for sentence in sentences:
            self.assertNotEqual(reasons.OTHER, reasons.kind(sentence),
                                sentence)

    def test_every_sentence_is_known(self):
        self.assert_known([
            failure.UNKNOWN, failure.SOURCE, failure.ENDED,
            *failure._REASONS.values(), reconcile.NOT_KEPT,
            reconcile.IMPORT_FAILED])
        self.assert_known([
            value % 404 if '%d' in value else value
            for name, value in vars(imports_reasons).items()
            if name.isupper() and isinstance(value, str)])

    def test_refusals_are_known(self):
        """Their module needs Glance."""
        tree = ast.parse(
            (TOP / 'glance_progress/api/refused.py').read_text())
        said = [node.value for assigned in tree.body
                if isinstance(assigned, ast.Assign)
                for node in ast.walk(assigned)
                if isinstance(node, ast.Constant)
                and SENTENCE.match(str(node.value))]
        self.assertGreaterEqual(len(said), 6)
        self.assert_known(said)

    def test_statuses_are_no_kinds(self):
        self.assertEqual('source', reasons.kind(
            imports_reasons.MISSING % 404))
        self.assertEqual(reasons.OTHER, reasons.kind('404'))
        self.assertEqual(reasons.OTHER, reasons.kind(None))
