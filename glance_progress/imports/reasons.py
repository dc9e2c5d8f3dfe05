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
"""Why a step of an import failed, in words that a tenant may read.

As in :mod:`glance_progress.driver.failure`, nothing of an exception's text is
passed on: it may name paths, hosts and what else is in the network of the
cloud. Glance tells much of it by the text alone, so its fixed words are looked
for. None is for what another record says, or nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator
import errno
import http.client
import os
import socket
import ssl
import urllib.error

from glance_progress.driver import failure

UNREACHABLE = 'The source of the image data could not be reached.'
UNRESOLVED = 'The name of the source of the image data could not be resolved.'
UNTRUSTED = ('The source of the image data has a certificate that Glance does '
             'not trust.')
REDIRECTED = ('The source of the image data redirects to a place that Glance '
              'must not read from.')
FORBIDDEN = 'Glance must not read image data from this source.'
MISSING = 'The source has no such image data (%d).'
DENIED = 'The source denies access to the image data (%d).'
BROKEN = 'The source of the image data answered with an error (%d).'
NO_HTTP = 'The source of the image data gave no valid answer.'
SHORT = 'The source sent another amount of image data than it announced.'
INACTIVE = 'The image to be downloaded is not active where it is.'
NO_SIZE = 'The source does not say how large the image is.'
NO_REGION = 'There is no Glance in the region to download from.'
UNCOPIED = 'The image data could not be read from the store that has them.'

FULL = 'The staging area has no room left for the image data.'
UNDECOMPRESSED = ('The image data could not be decompressed; they may be '
                  'damaged, or hold more than one file.')
UNCONVERTED = ('The image could not be converted; its data may be damaged, or '
               'not of the announced format.')
UNSAFE = 'The image data failed a safety check.'
OTHER_FORMAT = 'The image data is not of the announced format.'
NO_CONVERTER = 'Glance is not able to convert images.'
SIGNATURE = 'The signature of the image data is wrong.'
UNVERIFIED = 'The signature of the image data could not be checked.'
DIFFERENT = ('The image data have another size or checksum than those of the '
             'image.')
INVALID = ('The image data is not of the announced format, or failed a safety '
           'check.')

#: When the data are staged where the request does not come to.
STAGED_ELSEWHERE = ('The import could not begin: the part of Glance that has '
                    'staged the image data could not be reached. The data are '
                    'staged still, and the import can be tried again.')

# Glance's words for it, and ours
_OF_CONVERSION = {
    'Image has disallowed configuration': UNSAFE,
    'Image format detection failed': OTHER_FORMAT,
    'Image format mismatch': OTHER_FORMAT,
    'Image metadata disagrees about format': OTHER_FORMAT,
    'Converted image in unexpected format': UNSAFE,
    'QCOW images with backing files are not allowed': UNSAFE,
    'QCOW images with data-file set are not allowed': UNSAFE,
    'Invalid VMDK create-type specified': UNSAFE,
}


def of_source(exc: BaseException) -> str | None:
    """Return why the source did not give what was asked for."""
    if isinstance(exc, urllib.error.HTTPError):
        return _of_status(exc.code)
    causes = list(_causes(exc))
    names = _names(exc)
    if 'glance.InvalidRedirect' in names:
        return REDIRECTED
    if 'glance._InvalidGlanceDownloadImageStatus' in names:
        return INACTIVE
    if 'glance.GlanceEndpointNotFound' in names:
        return NO_REGION
    if any(isinstance(each, socket.gaierror) for each in causes):
        return UNRESOLVED
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return UNTRUSTED
    if any(isinstance(each, http.client.HTTPException) for each in causes):
        return NO_HTTP
    if any(isinstance(each, OSError) for each in causes):
        return UNREACHABLE
    if 'glance.ImportTaskError' in names:
        # It is raised for want of a size, or of any address that answers.
        return NO_SIZE if exc.__context__ is not None else UNREACHABLE
    if 'glance.Invalid' in names:
        return FORBIDDEN
    return NO_HTTP if isinstance(exc, ValueError) else failure.SOURCE


def of_download(
    exc: BaseException, begun: bool, staged: bool
) -> str | None:
    """Return why data have not come from the source to the staging area.

    :param begun: whether the staging area has begun to take them; it says
        itself why it did not take all
    :param staged: whether it has taken all that came
    """
    names = _names(exc)
    if (staged and 'glance.ImportTaskError' in names
            # Newer releases of glance_store count as well.
            or begun and 'glance_store.Invalid' in names):
        return SHORT
    return None if begun else of_source(exc)


def of_decompression(exc: BaseException) -> str | None:
    """Return why staged data could not be decompressed."""
    return FULL if _is_full(exc) else UNDECOMPRESSED


def of_conversion(exc: BaseException) -> str | None:
    """Return why a staged image could not be converted."""
    if isinstance(exc, OSError):
        return FULL if _is_full(exc) else NO_CONVERTER
    text = str(exc)
    if os.strerror(errno.ENOSPC) in text:  # what qemu-img has said
        return FULL
    return _OF_CONVERSION.get(text, UNCONVERTED)


def of_verification(exc: BaseException) -> str | None:
    """Return why the signature of staged data was refused."""
    wrong = 'cursive.SignatureVerificationError' in _names(exc)
    return SIGNATURE if wrong else UNVERIFIED


def of_import(exc: BaseException) -> str | None:
    """Return why Glance refuses what a store has taken, or was to take.

    The record of the store says what went wrong there.
    """
    names, text = _names(exc), str(exc)
    if 'cursive.SignatureVerificationError' in names:
        return SIGNATURE
    if 'glance.InvalidImageData' in names:
        return INVALID
    # The parallel import passes on the text alone.
    if ('glance.UploadException' in names or 'size mismatch' in text
            or 'is different from current' in text):
        return DIFFERENT
    return of_refusal(exc)


def of_refusal(exc: BaseException) -> str | None:
    """Return why Glance has not begun an import, or has given it up."""
    if 'glance' in {name.partition('.')[0] for name in _names(exc)}:
        reason = failure.reason(exc, source_failed=False)
        return None if reason == failure.UNKNOWN else reason
    return None


def _of_status(code: int) -> str:
    """Return what an HTTP status of the source means."""
    if code in (404, 410):
        return MISSING % code
    return (DENIED if code in (401, 403, 407) else BROKEN) % code


def _is_full(exc: BaseException) -> bool:
    return any(isinstance(each, OSError)
               and each.errno in (errno.ENOSPC, errno.EDQUOT)
               for each in _causes(exc))


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Return *exc*, and what has led to it."""
    seen: set[int] = set()
    each: BaseException | None = exc
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        # urllib keeps it in an attribute.
        reason = getattr(each, 'reason', None)
        each = (reason if isinstance(reason, BaseException)
                else each.__cause__ or each.__context__)


def _names(exc: BaseException) -> set[str]:
    """Return top-level package and name of each class of *exc*."""
    return {'%s.%s' % (cls.__module__.partition('.')[0], cls.__name__)
            for cls in type(exc).__mro__}
