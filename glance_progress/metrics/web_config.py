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

"""TLS and passwords, by the web configuration file of Prometheus' exporters.

The format is that of their common toolkit,
https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
Settings that have no meaning here, or that Python's TLS does not know, are
errors: nobody shall believe that they hold.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import pathlib
import ssl
from typing import Any

import yaml

_VERSIONS = {
    'TLS10': ssl.TLSVersion.TLSv1, 'TLS11': ssl.TLSVersion.TLSv1_1,
    'TLS12': ssl.TLSVersion.TLSv1_2, 'TLS13': ssl.TLSVersion.TLSv1_3}

_CLIENTS = {
    'NoClientCert': ssl.CERT_NONE,
    'VerifyClientCertIfGiven': ssl.CERT_OPTIONAL,
    'RequireAndVerifyClientCert': ssl.CERT_REQUIRED}

_SECTIONS = {'tls_server_config', 'basic_auth_users'}
_SETTINGS = {'cert_file', 'key_file', 'client_ca_file', 'client_auth_type',
             'min_version', 'max_version'}


class Invalid(ValueError):
    """The file cannot be used; the text names it, and what is wrong."""


@dataclasses.dataclass(frozen=True)
class WebConfig:
    """What the file says.

    :ivar tls: None for HTTP without TLS
    :ivar users: hashes of passwords, as bcrypt makes them, by user; without
        any, nobody is asked
    """

    tls: ssl.SSLContext | None
    users: Mapping[str, str]


def load(path: str) -> WebConfig:
    """Return what the file at *path* says now, certificates and all.

    :raises Invalid: when there is none, or it is wrong
    """
    try:
        with open(path, encoding='utf-8') as file:
            said = yaml.safe_load(file)
        said = _mapping('the file', said, _SECTIONS)
        return WebConfig(
            _tls(pathlib.Path(path).parent, said.get('tls_server_config')),
            _users(said.get('basic_auth_users')))
    except yaml.YAMLError as exc:
        # What it quotes may be the hash of a password.
        mark = getattr(exc, 'problem_mark', None)
        raise Invalid('%s is no YAML%s' % (
            path, '' if mark is None else ', line %d' % (mark.line + 1))
        ) from exc
    except (OSError, ValueError) as exc:
        raise Invalid('the web configuration file %s cannot be used: %s' % (
            path, exc)) from exc


def _tls(directory: pathlib.Path, said: Any) -> ssl.SSLContext | None:
    said = _mapping('tls_server_config', said, _SETTINGS)
    if not said:
        return None
    for name in ('cert_file', 'key_file'):
        if not said.get(name):
            raise ValueError('tls_server_config has no ' + name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _one_of(
        _VERSIONS, 'min_version', said.get('min_version', 'TLS12'))
    context.maximum_version = _one_of(
        _VERSIONS, 'max_version', said.get('max_version', 'TLS13'))
    try:
        context.load_cert_chain(
            directory / said['cert_file'], directory / said['key_file'])
    except OSError as exc:
        raise ValueError('cert_file %s or key_file %s: %s' % (
            said['cert_file'], said['key_file'], exc)) from exc
    context.verify_mode = _one_of(
        _CLIENTS, 'client_auth_type',
        said.get('client_auth_type', 'NoClientCert'))
    authority = said.get('client_ca_file')
    if bool(authority) != (context.verify_mode != ssl.CERT_NONE):
        raise ValueError(
            'client_ca_file and client_auth_type need each other')
    if authority:
        try:
            context.load_verify_locations(directory / authority)
        except OSError as exc:
            raise ValueError(
                'client_ca_file %s: %s' % (authority, exc)) from exc
    return context


def _users(said: Any) -> Mapping[str, str]:
    users = _mapping('basic_auth_users', said)
    for user, password in users.items():
        if not str(password).startswith('$2'):
            raise ValueError(
                'the password of %s is not hashed with bcrypt; see '
                'htpasswd -nBC 10 ""' % user)
    return {str(user): str(password) for user, password in users.items()}


def _mapping(
    where: str, said: Any, known: set[str] | None = None
) -> Mapping[str, Any]:
    """Return what *said* holds, of *known* settings alone."""
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise ValueError('%s holds no settings' % where)
    unknown = set() if known is None else set(said) - known
    if unknown:
        raise ValueError('%s has what is not known here: %s' % (
            where, ', '.join(sorted(map(str, unknown)))))
    return said


def _one_of(values: Mapping[str, Any], name: str, said: Any) -> Any:
    if said not in values:
        raise ValueError('%s is %s, and must be one of %s' % (
            name, said, ', '.join(values)))
    return values[said]
