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

"""TLS to memcached, as the options of one section say."""

from __future__ import annotations

import dataclasses
import ssl


@dataclasses.dataclass(frozen=True)
class Settings:
    """What TLS is made from. None, or an empty text, is what was not set.

    :param options: what the names of the options begin with, after their
        section, such as ``[glance_progress] memcached_tls_``
    :param cafile: path; the authorities of the system if there is none
    :param certfile: path of the client's certificate
    :param keyfile: path; the key is in *certfile* if there is none
    :param ciphers: OpenSSL's list of those that are allowed
    """

    options: str
    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    ciphers: str | None = None

    def context(self) -> ssl.SSLContext:
        """Return a context for connections to the servers.

        :raises ValueError: naming the options that cannot be used, and why
        """
        try:
            context = ssl.create_default_context(cafile=self.cafile or None)
        except OSError as exc:
            raise self._wrong(exc, 'cafile') from exc
        if self.certfile:
            try:
                context.load_cert_chain(self.certfile, self.keyfile or None)
            except OSError as exc:
                raise self._wrong(exc, 'certfile', 'keyfile') from exc
        if self.ciphers:
            try:
                context.set_ciphers(self.ciphers)
            except ssl.SSLError as exc:
                raise self._wrong(exc, 'allowed_ciphers') from exc
        return context

    def _wrong(self, exc: Exception, *names: str) -> ValueError:
        values = {'cafile': self.cafile, 'certfile': self.certfile,
                  'keyfile': self.keyfile, 'allowed_ciphers': self.ciphers}
        section, _, prefix = self.options.partition(' ')
        return ValueError('%s %s cannot be used: %s' % (
            section, ' and '.join('%s%s = %s' % (prefix, name, values[name])
                                  for name in names), exc))
