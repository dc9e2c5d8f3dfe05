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

"""Whether uwsgi, as its ini file says, serves uploads and what goes on beside.

An upload holds a thread of uwsgi's for as long as it takes. What was found out
about chunked bodies was tried with uWSGI 2.0.30.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from glance_progress.cmd.checks import subject
from glance_progress.cmd.checks import uwsgi_file
from glance_progress.cmd.checks import verdict

NAME = 'uwsgi'

_MIB = 1 << 20

# What is recommended, 16 pieces of the largest size that clients are known to
# send.
_LIMIT = 16 * _MIB

# uwsgi's own, of socket-timeout.
_TIMEOUT = 4


def check(about: subject.Subject) -> Any:
    """Look at threads, and at bodies that come in chunks.

    :raises OSError: the file cannot be read
    :raises ValueError: it is no such file
    """
    path = about.args.uwsgi_conf
    if path is None:
        return verdict.of(
            verdict.SUCCESS, 'Not checked without --uwsgi-conf.')
    file = uwsgi_file.UwsgiFile(path)
    try:
        return verdict.worst(
            [*_threads(file, about.args.uploads), *_chunks(file)], None)
    except ValueError as exc:
        return verdict.of(verdict.WARNING, '%s: %s.' % (path, exc))


def _threads(
    file: uwsgi_file.UwsgiFile, uploads: int
) -> Iterator[tuple[Any, str]]:
    processes = file.number(1, 'processes', 'workers', 'p')
    threads = file.number(1, 'threads')
    there = ('processes = %d and threads = %d' % (processes, threads))
    if processes * threads <= 1:
        yield (verdict.FAILURE,
               'With %s, whoever asks for the progress of an upload waits for '
               'its end.' % there)
    elif processes * threads <= uploads:
        yield (verdict.WARNING,
               'With %s, and %d uploads at once (--uploads), everybody else '
               'waits for the end of one.' % (there, uploads))
    if threads <= 1 and not file.is_on('enable-threads', 'T'):
        yield (verdict.WARNING,
               'Without enable-threads, older uWSGI runs no threads, and no '
               'progress is published.')


def _chunks(file: uwsgi_file.UwsgiFile) -> Iterator[tuple[Any, str]]:
    # Its own server, http-socket, needs no option for it.
    if file.has('http', 'https') and not file.is_on(
            'http-chunked-input', 'http-raw-body'):
        yield (verdict.FAILURE,
               'With http, and without http-chunked-input, uploads in chunks '
               'fail, as those of Nova, Cinder and glanceclient are.')
    if file.number(_MIB, 'chunked-input-limit') <= _MIB:
        yield (verdict.WARNING,
               'Uploads in chunks of 1 MiB or more fail; set '
               'chunked-input-limit = %d.' % _LIMIT)
    timeout = file.number(
        _TIMEOUT, 'chunked-input-timeout', 'socket-timeout')
    if timeout <= _TIMEOUT:
        yield (verdict.WARNING,
               'An upload in chunks fails when its client pauses for %d s; '
               'set chunked-input-timeout = 60.' % timeout)
