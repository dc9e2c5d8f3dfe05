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

import importlib
from importlib import util

from glance_store import exceptions

from glance_progress.driver import failure
from tests.unit import base

SECRET = 'pool images at 192.0.2.7, /etc/ceph/ceph.client.glance.keyring'


def foreign(module, name, *bases):
    """Return an exception of a package that is not installed here."""
    return type(name, bases or (Exception,), {'__module__': module})(SECRET)


class TestReason(base.TestCase):

    def test_glance_store(self):
        for cls, text in (
            (exceptions.StorageFull, 'no room left'),
            (exceptions.Duplicate, 'already holds data'),
            (exceptions.Invalid, 'another size than was announced'),
            (exceptions.StoreAddDisabled, 'does not accept'),
            (exceptions.StorageWriteDenied, 'does not accept'),
            (exceptions.BackendException, 'could not be reached'),
            (exceptions.UnsupportedBackend, 'could not be reached'),
        ):
            exc = cls(SECRET)
            self.assertIn(text, failure.reason(exc, source_failed=False))

    def test_others(self):
        for exc, text in (
            (foreign('rbd', 'DiskQuotaExceeded'), 'no room left'),
            (foreign('rados', 'TimedOut'), 'did not answer in time'),
            (foreign('glance.common.exception', 'StorageQuotaFull'), 'quota'),
            (foreign('glance.common.exception', 'ImageSizeLimitExceeded'),
             'larger than Glance allows'),
            (foreign('oslo_utils.imageutils', 'ImageFormatError'), 'format'),
            (foreign('greenlet', 'GreenletExit', BaseException), 'ended'),
            (SystemExit(), 'ended'),
            (KeyboardInterrupt(), 'ended'),
        ):
            for source_failed in (False, True):
                self.assertIn(text, failure.reason(exc, source_failed))

    def test_subclass(self):
        class Fuller(exceptions.StorageFull):
            pass

        self.assertIn('no room left', failure.reason(Fuller(), False))

    def test_a_namesake_of_another_package_is_unknown(self):
        for exc in (foreign('elsewhere', 'StorageFull'),
                    foreign('glance_store_of_mine', 'StorageFull')):
            self.assertEqual(failure.UNKNOWN, failure.reason(exc, False))

    def test_unknown(self):
        exc = OSError(SECRET)
        self.assertEqual(failure.UNKNOWN, failure.reason(exc, False))
        self.assertEqual(failure.SOURCE, failure.reason(exc, True))
        self.assertNotEqual(failure.UNKNOWN, failure.SOURCE)

    def test_no_text_of_an_exception(self):
        for exc in (exceptions.StorageFull(SECRET), OSError(SECRET),
                    exceptions.GlanceStoreException(SECRET)):
            for source_failed in (False, True):
                reason = failure.reason(exc, source_failed)
                self.assertFalse(set(SECRET.split()) & set(reason.split()),
                                 reason)

    def test_known_names_exist(self):
        """A misspelled name would never be found, and nobody would notice."""
        missing = []
        for name in failure._REASONS:
            package, _, cls = name.partition('.')
            if package in ('glance', 'greenlet', 'oslo_utils') or (
                    not util.find_spec(package)):
                continue
            module = importlib.import_module({
                'glance_store': 'glance_store.exceptions',
                'glance_progress': 'glance_progress.driver.fence',
            }.get(package, package))
            if not hasattr(module, cls):
                missing.append(name)
        self.assertEqual([], missing)
