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

"""Images that are signed, which Glance verifies when the store has them."""

from __future__ import annotations

import base64
import datetime
import functools
import uuid

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography import x509
from cryptography.x509 import oid

from allinone.daemons import glance
from glance_progress.api import uploads
from glance_progress.imports import reasons
from tests.functional import api_base
from tests.functional import base
from tests.functional import key_manager
from tests.functional import services

MiB = base.MiB


@functools.cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate() -> bytes:
    """Return a certificate for the key, signed by itself, as DER."""
    name = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, 'test')])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = (x509.CertificateBuilder()
            .subject_name(name).issuer_name(name)
            .public_key(private_key().public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day).not_valid_after(now + day)
            .sign(private_key(), hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.DER)


def properties(content: bytes) -> dict[str, str]:
    """Return what an image has to have whose data shall be *content*."""
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()),
                      salt_length=padding.PSS.MAX_LENGTH)
    signature = private_key().sign(content, pss, hashes.SHA256())
    return {'img_signature': base64.b64encode(signature).decode(),
            'img_signature_hash_method': 'SHA-256',
            'img_signature_key_type': 'RSA-PSS',
            'img_signature_certificate_uuid': str(uuid.uuid4())}


class WithKeyManager(glance.GlanceApi):
    """A Glance whose key manager has the certificate."""

    def environment(self) -> dict[str, str]:
        path = services.directory() / 'certificate.der'
        path.write_bytes(certificate())
        return {**super().environment(), key_manager.CERTIFICATE: str(path),
                'PYTHONPATH': str(services.PROJECT)}


class SignatureTest(api_base.ApiTestCase):

    @classmethod
    def make_api(cls) -> glance.GlanceBase:
        return api_base.make(
            'glance-signature', kind=WithKeyManager, options={
                'key_manager': {'backend':
                                'tests.functional.key_manager.OneCertificate'},
                'image_import_opts': {'max_parallel_stores': 2}})

    def send(self, image_id: str, content: bytes) -> int:
        """Upload *content* and return the status of the answer."""
        upload = self.upload(image_id, len(content))
        upload.send(content)
        return upload.end()

    def test_signature(self) -> None:
        content = base.data(12 * MiB)
        image_id = self.create(**properties(content))
        self.assertEqual(400, self.send(image_id, content[1:]))
        answer = self.wait_progress(image_id, phase='failed')
        self.assertEqual(('queued', uploads._REFUSALS[400]), (
            answer['status'], answer['stores'][0]['failure']))
        self.assertLess(answer['percent'], 100)

        self.assertEqual(204, self.send(image_id, content))
        self.wait_progress(image_id, phase='done', percent=100)

    def test_import_into_two_stores(self) -> None:
        """The signature is checked before, by reading all that is staged."""
        content = bytes(384 * MiB)
        image_id = self.stage(content=content, **properties(content[1:]))
        self.client.images.image_import(
            image_id, 'glance-direct', stores=['ceph', 'second'])
        seen = []
        self.wait_for(lambda: seen.append(self.progress(image_id)) or (
            seen[-1]['phase'] == 'failed'))
        percents = [each['percent'] for each in seen
                    if each['phase'] == 'verifying']
        self.assertNotEqual([], percents)
        self.assertEqual(sorted(percents), percents)
        self.assertEqual('queued', seen[-1]['status'])
        self.assertEqual(
            reasons.SIGNATURE, seen[-1]['last_failure']['failure'])
