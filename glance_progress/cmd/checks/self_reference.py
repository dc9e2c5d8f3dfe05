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

"""Whether other hosts reach this one by what it says of itself.

A host keeps what was staged there, and others send on to it what is to become
of it, at worker_self_reference_url. Without credentials, two things can be
known: that an Image API answers there, and whether that address is one of this
host's. Which process it is that answers there is not known.
"""

from __future__ import annotations

from collections.abc import Iterator
import http.client
import ipaddress
import json
import socket
import ssl
from typing import Any
import urllib.error
import urllib.parse
import urllib.request

from oslo_config import cfg

from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import verdict
from glance_progress import foreign
from glance_progress.locations import releases
from glance_progress import warning

NAME = 'worker_self_reference_url'

#: Seconds that it may take to answer.
TIMEOUT = 5

# The list of versions takes less than 4 KiB.
_LARGEST = 1 << 16

_OPTS = {
    None: [cfg.StrOpt('worker_self_reference_url'),
           cfg.StrOpt('public_endpoint'),
           cfg.StrOpt('image_cache_driver', default='centralized_db')],
    'paste_deploy': [cfg.StrOpt('flavor', default='')],
}

# The Glance of 2024.1, whose cache knows hosts by this URL.
_NEEDED = 28


def check(about: subject.Subject) -> Any:
    """Ask there for the versions of the Image API."""
    files = foreign.Others(about.conf, _OPTS)
    url = files.get(None, NAME)
    if not url:
        return _without(files)
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        return verdict.of(verdict.FAILURE, '%s is no URL.' % _shown(parts))
    if about.offline:
        return verdict.of(verdict.SUCCESS, subject.OFFLINE)
    found = list(_problems(parts))
    return verdict.worst(
        found, 'An Image API answers at %s, an address of this host.'
        % _shown(parts))


def _without(files: foreign.Others) -> Any:
    driver = files.get(None, 'image_cache_driver').lower()
    if ((releases.installed_glance() or 0) >= _NEEDED
            and 'cache' in files.get('paste_deploy', 'flavor')
            and driver == 'centralized_db'):
        return verdict.of(
            verdict.FAILURE, 'It is not set, and glance-api does not start: '
            'image_cache_driver = centralized_db needs it.')
    instead = files.get(None, 'public_endpoint')
    return verdict.of(
        verdict.WARNING,
        'It is not set%s. With more than one host, an image that is staged '
        'on one cannot be imported by way of another.' % (
            ', and public_endpoint stands for it' if instead else ''))


def _shown(parts: urllib.parse.SplitResult) -> str:
    # Without what may be a password.
    return urllib.parse.urlunsplit(
        parts._replace(netloc=parts.netloc.rpartition('@')[2]))


def _problems(
    parts: urllib.parse.SplitResult
) -> Iterator[tuple[Any, str]]:
    try:
        answer = _ask(_shown(parts))
    except (OSError, ValueError, http.client.HTTPException) as exc:
        yield (verdict.WARNING,
               'Nothing answers at %s (%s). If glance-api runs, imports of '
               'what is staged on this host fail on the others.'
               % (_shown(parts), warning.reason(exc)))
        return
    if not _is_image_api(answer):
        yield (verdict.FAILURE,
               'What answers at %s is no Image API: imports of what is staged '
               'on this host fail on the others.' % _shown(parts))
    elif not _is_here(str(parts.hostname)):
        yield (verdict.WARNING,
               'An Image API answers at %s, but that is no address of this '
               'host. If it is another host, or a balancer, imports of what '
               'is staged on this one fail.' % _shown(parts))


def _ask(url: str) -> bytes:
    # No certificate is looked at: Glance may trust others than we know of.
    anybody = ssl.create_default_context()
    anybody.check_hostname = False
    anybody.verify_mode = ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=anybody))
    try:
        with opener.open(url.rstrip('/') + '/', timeout=TIMEOUT) as answer:
            body: bytes = answer.read(_LARGEST)
    except urllib.error.HTTPError as exc:
        # 300, by which Glance answers, is one to urllib; and what is above
        # 500 is said by a proxy that reaches nobody.
        if exc.code > 500:
            raise
        with exc:
            body = exc.read(_LARGEST)
    except urllib.error.URLError as exc:
        raise OSError(warning.reason(exc.reason)) from exc
    return body


def _is_image_api(answer: bytes) -> bool:
    """Return whether it is Glance's list of versions.

    Others have lists of the same form; no other has had a 2.2.
    """
    try:
        versions = {each['id'] for each in json.loads(answer)['versions']}
    except (ValueError, TypeError, KeyError):
        return False
    return {'v2.0', 'v2.2', 'v2.7'} <= versions


def _is_here(host: str) -> bool:
    """Return whether a name or address is one of this host's."""
    for family, kind, _, _, address in socket.getaddrinfo(
            host, 9, type=socket.SOCK_DGRAM):
        with socket.socket(family, kind) as probe:
            try:
                probe.connect(address)  # which sends nothing
            except OSError:
                continue
            # To an address of its own a host speaks from that address. To
            # bind it proves nothing, where ip_nonlocal_bind is on.
            source = probe.getsockname()[0]
        if (source == address[0]
                or ipaddress.ip_address(source).is_loopback):
            return True
    return False
