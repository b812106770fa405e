"""A link with presigned delivery, in a real browser: the button's redirect must get past the page's own policy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Visit
from tests.processes.conftest import NewService
from tests.s3_server import ACCESS_KEY, BUCKET, REGION, SECRET_KEY, S3Server

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    """A running SeaweedFS."""
    server = S3Server(tmp_path)
    try:
        server.start()
        yield server
    finally:
        server.kill()


def test_the_button_downloads_from_the_s3_server(new_service: NewService, s3: S3Server, visit: Visit) -> None:
    variables = {
        "S3_BUCKET": BUCKET,
        "S3_ENDPOINT_URL": s3.address,
        "S3_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    }
    with new_service(**variables) as service:
        service.start("web", "work")
        service.wait_until_ready()
        (job,) = service.submit(1)
        service.wait_until_done([job])
        made = service.http.post(f"/pdf/jobs/{job}/links", json={"delivery": "presigned", "preview": True})
        assert made.status_code == 201, made.text
        path = "/d/" + made.json()["url"].rpartition("/")[2]
        with visit(service, expected=(f"foreign request: {s3.address}", "410")) as page:
            page.goto(path)
            with page.expect_download() as download:
                page.get_by_role("button", name="Download").click()
            assert download.value.suggested_filename == "plutobook.pdf"
            assert download.value.url.startswith(s3.address)
            data = download.value.path().read_bytes()
            assert hashlib.sha256(data).hexdigest() == service.http.get(f"/pdf/jobs/{job}").json()["output_hash"]
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 410
