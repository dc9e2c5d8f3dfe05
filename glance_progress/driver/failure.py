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

"""Why an upload failed, in words that a tenant may read.

The text of an exception may name pools, paths, hosts or other tenants, so
none of it is passed on. Exceptions are known by the names of their classes,
so that neither glance nor glance_store nor rbd need be imported.
"""

from __future__ import annotations

UNKNOWN = 'The store failed to write the image data.'
SOURCE = ('The image data could not be read to its end; the sender may have '
          'gone away.')
ENDED = 'The upload was ended by the service.'

_NO_ROOM = 'The store has no room left for the image data.'
_GONE = 'The data were taken away before they were whole.'
_CLOSED = 'The store does not accept image data.'
_UNREACHABLE = 'The store could not be reached.'
_SLOW = 'The store did not answer in time.'
_QUOTA = 'The image exceeds the quota.'
_FORMAT = 'The image data is not of the announced format.'
_ABORTED = 'The import was given up.'

# Top-level package and class
_REASONS = {
    'glance_store.StorageFull': _NO_ROOM,
    'glance_store.Duplicate': 'The store already holds data for this image.',
    'glance_store.Invalid':
        'The image data has another size than was announced.',
    'glance_store.StoreAddDisabled': _CLOSED,
    'glance_store.StorageWriteDenied': _CLOSED,
    'glance_store.BackendException': _UNREACHABLE,
    'glance_store.BadStoreConfiguration': _UNREACHABLE,
    'glance_progress.Displaced': _GONE,
    # what the driver lets through
    'rbd.DiskQuotaExceeded': _NO_ROOM,
    'rbd.PermissionError': _CLOSED,
    'rbd.ReadOnlyImage': _CLOSED,
    'rbd.Timeout': _SLOW,
    'rados.TimedOut': _SLOW,
    # raised while the data is read
    'glance.ImageSizeLimitExceeded': 'The image is larger than Glance allows.',
    'glance.StorageQuotaFull': _QUOTA,
    'glance.LimitExceeded': _QUOTA,
    'glance.ImageFormatError': _FORMAT,
    'oslo_utils.ImageFormatError': _FORMAT,
    # an import's other store has failed, or the import was given up
    'glance.TaskAbortedError': _ABORTED,
    'glance.TaskNotFound': _ABORTED,
    # the process is told to end
    'greenlet.GreenletExit': ENDED,
    'builtins.SystemExit': ENDED,
    'builtins.KeyboardInterrupt': ENDED,
}


def reason(exc: BaseException, source_failed: bool) -> str:
    """Return a sentence on what ended an upload.

    :param exc: what the driver raised
    :param source_failed: whether it was raised by reading the image data
    """
    for cls in type(exc).__mro__:
        name = '%s.%s' % (cls.__module__.partition('.')[0], cls.__name__)
        if name in _REASONS:
            return _REASONS[name]
    return SOURCE if source_failed else UNKNOWN
