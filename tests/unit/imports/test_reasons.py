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
import errno
import http.client
import io
import socket
import ssl
import urllib.error

import testtools

from glance_progress.driver import failure
from glance_progress.imports import reasons

SECRET = 'http://user:secret@10.0.0.1/pool-of-images'


def an_error(name, *args, package='glance', base=Exception):
    """Return an exception of a class of another package."""
    kind = type(name, (base,), {'__module__': package + '.common.exception'})
    return kind(*args)


def task_error(text=SECRET):
    return an_error('ImportTaskError', text)


def raised_from(cause, exc):
    """Return *exc* as raised while *cause* was handled."""
    try:
        try:
            raise cause
        except BaseException:
            raise exc
    except BaseException as raised:
        return raised


def an_answer(code):
    return urllib.error.HTTPError(SECRET, code, SECRET, {}, io.BytesIO())


class SourceTest(testtools.TestCase):

    def test_reasons(self):
        for expected, exc in (
            (reasons.MISSING % 404, an_answer(404)),
            (reasons.MISSING % 410, an_answer(410)),
            (reasons.DENIED % 403, an_answer(403)),
            (reasons.BROKEN % 503, an_answer(503)),
            (reasons.UNREACHABLE, urllib.error.URLError(
                ConnectionRefusedError(errno.ECONNREFUSED, SECRET))),
            (reasons.UNREACHABLE, urllib.error.URLError(SECRET)),
            (reasons.UNREACHABLE, TimeoutError(SECRET)),
            (reasons.UNREACHABLE, task_error()),
            (reasons.NO_SIZE, raised_from(KeyError('size'), task_error())),
            (reasons.UNRESOLVED, urllib.error.URLError(
                socket.gaierror(-2, SECRET))),
            (reasons.UNRESOLVED, raised_from(
                socket.gaierror(-2, SECRET), an_error('Invalid', SECRET))),
            (reasons.UNTRUSTED, urllib.error.URLError(
                ssl.SSLCertVerificationError(1, SECRET))),
            (reasons.NO_HTTP, http.client.BadStatusLine(SECRET)),
            (reasons.NO_HTTP, ValueError(SECRET)),
            (reasons.REDIRECTED, an_error('InvalidRedirect', SECRET)),
            (reasons.FORBIDDEN, an_error('Invalid', SECRET)),
            (reasons.INACTIVE, an_error('_InvalidGlanceDownloadImageStatus')),
            (reasons.NO_REGION, an_error('GlanceEndpointNotFound')),
            (failure.SOURCE, RuntimeError(SECRET)),
        ):
            self.assertEqual(expected, reasons.of_source(exc))

    def test_download(self):
        error = task_error()
        self.assertEqual(
            reasons.SHORT, reasons.of_download(error, True, True))
        self.assertEqual(
            reasons.UNREACHABLE, reasons.of_download(error, False, False))
        # The record of the staging area says why.
        self.assertIsNone(reasons.of_download(OSError(), True, False))
        self.assertEqual(reasons.SHORT, reasons.of_download(
            an_error('Invalid', SECRET, package='glance_store'), True, False))


class StepsTest(testtools.TestCase):

    def test_decompression(self):
        self.assertEqual(reasons.UNDECOMPRESSED,
                         reasons.of_decompression(EOFError(SECRET)))
        self.assertEqual(reasons.FULL, reasons.of_decompression(
            OSError(errno.ENOSPC, SECRET)))

    def test_conversion(self):
        for expected, exc in (
            (reasons.OTHER_FORMAT, RuntimeError('Image format mismatch')),
            (reasons.UNSAFE, RuntimeError(
                'Image has disallowed configuration')),
            (reasons.UNCONVERTED, RuntimeError('qemu-img: ' + SECRET)),
            (reasons.FULL, RuntimeError(
                'qemu-img: %s: No space left on device' % SECRET)),
            (reasons.FULL, OSError(errno.ENOSPC, SECRET)),
            (reasons.NO_CONVERTER, FileNotFoundError(
                errno.ENOENT, SECRET)),
        ):
            self.assertEqual(expected, reasons.of_conversion(exc))

    def test_verification(self):
        self.assertEqual(reasons.SIGNATURE, reasons.of_verification(
            an_error('SignatureVerificationError', package='cursive')))
        self.assertEqual(
            reasons.UNVERIFIED, reasons.of_verification(OSError(SECRET)))

    def test_import(self):
        for expected, exc in (
            (reasons.SIGNATURE, an_error(
                'SignatureVerificationError', package='cursive')),
            (reasons.INVALID, an_error('InvalidImageData', SECRET)),
            (reasons.DIFFERENT, an_error('UploadException', SECRET)),
            (reasons.DIFFERENT, task_error('Image size mismatch.')),
            (reasons.DIFFERENT, task_error(
                'checksum of uploaded data is different from current value')),
            (failure._QUOTA, an_error('StorageQuotaFull', SECRET)),
            (None, an_error('StorageFull', package='glance_store')),
            (None, task_error()), (None, RuntimeError(SECRET)),
        ):
            self.assertEqual(expected, reasons.of_import(exc))
