"""The workers of a Dask cluster that somebody else started."""

from __future__ import annotations

from typing import Any

from distributed.security import Security

from napari_unets.jobs.errors import SchedulerUnreachableError
from napari_unets.jobs.worker.connection import Connection, Running, connect

__all__ = ["RemoteConnection"]

_CONNECT_S = 10.0
_RESTART_S = 30.0


class RemoteConnection(Connection):
    """A client of a scheduler elsewhere: a GPU server, or a cluster started by dask-jobqueue.

    Parameters
    ----------
    address : str
        The scheduler's address, as in ``tcp://gpu-server:8786``.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    async def open(self) -> None:
        """Connect.

        Raises
        ------
        SchedulerUnreachableError
            Nobody answers, or not a Dask scheduler.
        """
        _check_encryption(self.address)
        try:
            self.client = await connect(self.address, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise SchedulerUnreachableError(
                f"No Dask scheduler answers at '{self.address}'. Check that it runs ('dask scheduler'), that the "
                "address has the form tcp://host:port (tls://host:port if it uses TLS) and that no firewall is between."
            ) from error
        except MemoryError as error:  # Dask takes the first bytes of the greeting for a length
            raise SchedulerUnreachableError(
                f"Something else than a Dask scheduler answers at '{self.address}'. Check host and port."
            ) from error
        await self._listen()

    async def close(self) -> None:
        """Disconnect; the cluster lives on."""
        await self.client.close()

    async def kill(self, running: Running) -> None:
        """Have the job's worker restarted if that harms nobody else, and give the job up.

        Without a nanny, or with somebody else's task on the same worker, the process stays as it
        is: the job is only forgotten, and ends by itself at its next window.
        """
        try:
            tasks = await self.client.processing([running.worker])
            if not set(tasks.get(running.worker, ())) - {running.task.key}:
                await self.client.restart_workers([running.worker], timeout=_RESTART_S, raise_for_error=False)
        except (OSError, ValueError, TimeoutError):  # gone already; no nanny; slow to come back
            pass
        finally:
            await running.task.cancel()

    async def why_died(self, worker: str) -> tuple[str, str]:
        """Say what little is known from here."""
        return f"the connection to {worker} broke off", ""


def _check_encryption(address: str) -> None:
    """Compare Dask's configuration with what the address asks for, before Dask would, in its own words."""
    is_tls = address.startswith("tls://")
    make: Any = Security
    security = make()
    try:
        context = security.get_connection_args("client").get("ssl_context")
    except OSError as error:  # ssl.SSLError among them
        raise SchedulerUnreachableError(
            f"The certificates that Dask's configuration names (distributed.comm.tls) cannot be read: {error}"
        ) from error
    if is_tls and context is None:
        raise SchedulerUnreachableError(
            f"'{address}' asks for TLS, but Dask's configuration on this machine names no certificates "
            "(distributed.comm.tls). docs/cluster.md says how."
        )
    if security.require_encryption and not is_tls:
        raise SchedulerUnreachableError(
            f"Dask's configuration on this machine requires encryption, but '{address}' does not begin with tls://."
        )
