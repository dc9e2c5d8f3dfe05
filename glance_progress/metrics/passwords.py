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

"""Asks whoever scrapes for user and password."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import bcrypt
from oslo_log import log as logging

from glance_progress.metrics import web_config
from glance_progress import warning

LOG = logging.getLogger(__name__)

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# That of no password, for users that there are not: they must take as long.
_NOBODYS = bcrypt.hashpw(b'', bcrypt.gensalt(10)).decode()

# bcrypt knows no more, in bytes.
_LONGEST = 72

_seldom = warning.Seldom()


def ask(app: App, path: str) -> App:
    """Return *app* for those alone whom the web configuration file knows.

    :param path: of the file, which is read at each request
    """

    def asking(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            users = web_config.load(path).users
        except web_config.Invalid as exc:
            if _seldom.admits('invalid'):
                LOG.error('Nobody is let in: %s', exc)
            start_response('500 Internal Server Error', [])
            return []
        if users and not admits(users, environ.get('HTTP_AUTHORIZATION', '')):
            start_response('401 Unauthorized', [
                ('WWW-Authenticate', 'Basic realm="glance-progress"')])
            return []
        return app(environ, start_response)

    return asking


def admits(users: Mapping[str, str], authorization: str) -> bool:
    """Tell whether a header ``Authorization`` has a user with his password.

    :param users: hashes of passwords by user
    """
    scheme, _, encoded = authorization.partition(' ')
    if scheme.lower() != 'basic':
        return False
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(':')
    except (binascii.Error, UnicodeDecodeError):
        return False
    plain = password.encode()
    try:
        right = bcrypt.checkpw(
            plain[:_LONGEST], users.get(user, _NOBODYS).encode())
    except ValueError:  # no hash, after all
        return False
    return right and user in users and len(plain) <= _LONGEST
