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

"""A RabbitMQ on loopback, and the port mapper of its Erlang."""

from __future__ import annotations

import os
import socket

from allinone import service

_CONF = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 100MB
log.console = true
log.console.level = info
log.file = false
"""


class Epmd(service.Service):
    """Runs Erlang's port mapper, or RabbitMQ would leave one behind."""

    def __init__(self, directory: str | os.PathLike[str], port: int) -> None:
        super().__init__('epmd', directory)
        self.port = port
        self.ports = (port,)

    def command(self) -> list[str]:
        return ['epmd', '-address', '127.0.0.1', '-port', str(self.port)]

    def ready(self) -> bool:
        return not service.port_is_free(self.port)


class RabbitMq(service.Service):
    """Runs a broker with one user.

    :param directory: holds its data, its log and its pid
    :param port: TCP port for AMQP
    :param dist_port: TCP port for other Erlang nodes, of which there are none
    :param epmd: the port mapper, which has to run
    """

    def __init__(self, directory: str | os.PathLike[str], port: int,
                 dist_port: int, epmd: Epmd, user: str,
                 password: str) -> None:
        super().__init__('rabbitmq', directory)
        self.port = port
        self.dist_port = dist_port
        self.ports = (port, dist_port)
        self.epmd = epmd
        self.user = user
        self.password = password
        #: As oslo.messaging writes it.
        self.url = f'rabbit://{user}:{password}@127.0.0.1:{port}/'
        self.home = self.directory / 'rabbitmq'

    def start(self) -> None:
        # Erlang keeps its cookie here, too.
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.home / 'rabbitmq.conf').write_text(_CONF.format(
            port=self.port, user=self.user, password=self.password))
        (self.home / 'enabled_plugins').write_text('[].\n')
        super().start()

    def command(self) -> list[str]:
        # Not the one in /usr/sbin, which changes to the user rabbitmq.
        return ['/usr/lib/rabbitmq/bin/rabbitmq-server']

    def environment(self) -> dict[str, str]:
        env = {key: value for key, value in super().environment().items()
               if not key.startswith(('RABBITMQ_', 'ERL_'))}
        return {
            **env, 'HOME': str(self.home),
            'RABBITMQ_NODENAME': 'cloud@localhost',
            'RABBITMQ_CONF_ENV_FILE': '/dev/null',
            'RABBITMQ_CONFIG_FILE': str(self.home / 'rabbitmq.conf'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(
                self.home / 'enabled_plugins'),
            'RABBITMQ_MNESIA_BASE': str(self.home / 'mnesia'),
            'RABBITMQ_LOG_BASE': str(self.home / 'log'),
            'RABBITMQ_DIST_PORT': str(self.dist_port),
            'ERL_EPMD_PORT': str(self.epmd.port),
            'ERL_EPMD_ADDRESS': '127.0.0.1',
            # Schedulers that wait do so asleep: the processors are few.
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
                '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2'
                ' +sbwt none +sbwtdcpu none +sbwtdio none'}

    def ready(self) -> bool:
        """Tell whether it begins to negotiate, as AMQP 0-9-1 says."""
        try:
            with socket.create_connection(('127.0.0.1', self.port), 5) as peer:
                peer.settimeout(5)
                peer.sendall(b'AMQP\x00\x00\x09\x01')
                return bool(peer.recv(1))
        except OSError:
            return False

    def consumers(self, queue: str) -> int:
        """Return how many listen to a queue, 0 if there is no such queue."""
        import amqp
        try:
            with amqp.Connection(
                    f'127.0.0.1:{self.port}', self.user, self.password,
                    connect_timeout=10, read_timeout=10) as peer:
                return int(peer.channel().queue_declare(
                    queue, passive=True).consumer_count)
        except (amqp.AMQPError, OSError):
            return 0
