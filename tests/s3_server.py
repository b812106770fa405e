"""A real S3 server for tests: SeaweedFS on free ports, which may be killed and started again."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
import threading
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

BUCKET = "pdf"
ACCESS_KEY = "test"
SECRET_KEY = "test-secret"
REGION = "us-east-1"


class S3Server:
    """One server with a bucket, its objects in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = [_free_port() for _ in range(4)]
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"http://127.0.0.1:{self._ports[0]}"

    def start(self) -> None:
        """Start it and return when it takes objects."""
        s3, master, volume, filer = self._ports
        command = [
            str(Path(sysconfig.get_path("scripts")) / "weed"), "server",
            f"-dir={self._folder}", "-ip=127.0.0.1", "-s3", f"-s3.port={s3}", f"-master.port={master}",
            f"-volume.port={volume}", f"-filer.port={filer}", "-volume.max=5", "-master.volumeSizeLimitMB=64",
            "-s3.port.iceberg=0", "-s3.port.lance=0",
        ]  # fmt: skip
        # Its gRPC ports are the HTTP ports plus 10,000.
        credentials = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **credentials})
        self._make_bucket()

    def kill(self) -> None:
        """End it at once: asked kindly, it takes half a minute."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> Any:
        """Return a client of boto3's that gives up soon."""
        return boto3.client(
            "s3",
            endpoint_url=self.address,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            config=Config(connect_timeout=2, read_timeout=20, s3={"addressing_style": "path"}),
        )

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _make_bucket(self) -> None:
        client, pause, deadline = self.client(), threading.Event(), time.monotonic() + 60
        while True:
            try:
                names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
                if BUCKET not in names:
                    client.create_bucket(Bucket=BUCKET)
                # The gateway answers before there is a volume to write to.
                client.put_object(Bucket=BUCKET, Key="probe", Body=b"x")
            except (BotoCoreError, ClientError) as error:
                has_ended = self._process is None or self._process.poll() is not None
                if has_ended or time.monotonic() > deadline:
                    raise AssertionError(
                        f"SeaweedFS did not start: {error}\n{self._log.read_text()[-2000:]}"
                    ) from error
                pause.wait(0.2)
            else:
                client.close()
                return


def _free_port() -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 50_000:
            return port
