"""What the editor's scripts call: saving upon a revision, pages of what is typed, findings, files."""

from __future__ import annotations

import base64
import io
import json
import threading
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from pdfservice.teams.models import AuditEvent
from templates_app.models import TemplateVersion
from tests.conftest import Member
from tests.templates.conftest import Author

pytestmark = pytest.mark.django_db(transaction=True)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="18"/></svg>'


class Editor:
    """An open editor of a draft."""

    def __init__(self, member: Member, version: TemplateVersion) -> None:
        self.browser = member.browser
        self.url = f"/admin/templates_app/templateversion/{version.pk}/editor/"

    def call(self, name: str, body: Any) -> Any:
        """Post JSON to one of the editor's addresses."""
        return self.browser.post(f"{self.url}{name}/", json.dumps(body), content_type="application/json")

    def save(self, revision: int | None, **typed: Any) -> Any:
        """Save what is typed."""
        upon = {} if revision is None else {"revision": revision}
        return self.call("save", {"fields_typed": typed, **upon})

    def look(self, sitting: str = "one", wish: dict[str, Any] | None = None, **typed: Any) -> Any:
        """Ask for pages of what is typed."""
        return self.call("preview", {"fields_typed": typed, "sitting": sitting, **(wish or {})})


@pytest.fixture
def draft(author: Author) -> TemplateVersion:
    """A draft of a letter."""
    return TemplateVersion.objects.get(version=author.draft())


@pytest.fixture
def editor(alice: Member, draft: TemplateVersion) -> Editor:
    """Alice's editor."""
    return Editor(alice, draft)


def picture(url: str) -> Image.Image:
    """Return the picture of a data URL."""
    head, _, data = url.partition(",")
    assert head == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_page_has_no_inline_script_and_its_style_takes_a_nonce(editor: Editor) -> None:
    page = editor.browser.get(editor.url)
    policy = page.headers["Content-Security-Policy"]
    assert page.status_code == 200
    assert "unsafe-inline" not in policy
    state = page.context["state"]
    assert b'<script id="editor-state" type="application/json">' in page.content
    assert f"'nonce-{state['nonce']}'" in policy
    assert state["html_source"].startswith("<title>Letter")
    assert state["sample_text"] == '{\n  "name": "Ada"\n}'


def test_a_save_is_stored_and_the_revision_grows(editor: Editor, draft: TemplateVersion) -> None:
    answer = editor.save(1, html_source="<p>new</p>", sample_text='{"n": 12345678901234567890}', partials={"a": "b"})
    assert answer.json()["revision"] == 2
    draft.refresh_from_db()
    assert draft.html_source == "<p>new</p>"
    assert draft.sample_payload == {"n": 12345678901234567890}
    assert dict(draft.partials.values_list("name", "source")) == {"a": "b"}
    assert (draft.edited_by, draft.revision) == ("user:alice", 2)


def test_who_saves_upon_an_older_state_is_told_and_overwrites_nothing(editor: Editor, draft: TemplateVersion) -> None:
    assert editor.save(1, html_source="<p>first</p>").status_code == 200
    answer = editor.save(1, html_source="<p>second</p>", partials={"x": "y"})
    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["code"], problem["revision"], problem["edited_by"]) == ("edited_meanwhile", 2, "alice")
    draft.refresh_from_db()
    assert draft.html_source == "<p>first</p>"
    assert not draft.partials.exists()


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
def test_of_two_saves_at_once_one_wins(editor: Editor, draft: TemplateVersion) -> None:
    statuses: list[int] = []

    def save(text: str) -> None:
        statuses.append(editor.save(1, html_source=text).status_code)
        connection.close()

    threads = [threading.Thread(target=save, args=(f"<p>{number}</p>",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409]


def test_a_change_over_the_api_moves_the_revision_too(editor: Editor, author: Author, draft: TemplateVersion) -> None:
    author.patch(draft.version, note="from a program")
    state = editor.browser.get(f"{editor.url}state/").json()
    assert state["revision"] == 2
    assert state["edited_by"].startswith("key:")
    assert editor.save(1, note="mine").status_code == 409
    assert editor.browser.get(f"{editor.url}state/?all=1").json()["note"] == "from a program"


def test_autosaves_of_one_sitting_are_one_event(editor: Editor) -> None:
    for revision in range(1, 4):
        assert editor.save(revision, note=str(revision)).status_code == 200
    assert AuditEvent.objects.filter(action="version.changed").count() == 1


def test_what_is_published_is_saved_no_more(editor: Editor, author: Author, draft: TemplateVersion) -> None:
    author.publish(draft.version)
    answer = editor.save(1, html_source="x")
    assert (answer.status_code, answer.json()["code"]) == (409, "version_frozen")
    assert editor.browser.get(editor.url).status_code == 302


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"sample_text": "{"}, "not JSON"),
        ({"sample_text": '{"a": NaN}'}, "NaN"),
        ({"sample_text": '{"a": 1, "a": 2}'}, "twice"),
        ({"timezone": "Mars/Olympus"}, "time zone"),
        ({"surprise": 1}, "surprise"),
        ({"partials": {"../x": ""}}, "name has up to"),
    ],
)
def test_what_cannot_be_stored_is_refused_in_words(editor: Editor, typed: dict[str, Any], told: str) -> None:
    for answer in (editor.save(1, **typed), editor.look(**typed)):
        assert answer.status_code == 400
        assert told in answer.content.decode()


def test_pages_show_what_is_typed_and_store_nothing(editor: Editor, draft: TemplateVersion) -> None:
    css = "@page { size: 105mm 148mm; margin: 0 } html { background: #c00 }"
    answer = editor.look(html_source="<p>{% include 'p' %}", css_source=css, partials={"p": "typed"}, wish={"dpi": 72})
    pages = answer.json()["pages"]
    assert (pages["page_count"], pages["first"], pages["sizes"]) == (1, 1, [[298, 420]])
    assert picture(pages["large"][0]).size == (298, 420)
    assert picture(pages["large"][0]).convert("RGB").getpixel((250, 400)) == (204, 0, 0)
    assert picture(pages["small"][0]).width == 110
    assert "no-store" in answer.headers["Cache-Control"]
    draft.refresh_from_db()
    assert "include" not in draft.html_source


def test_a_window_of_many_pages_is_asked_for_by_its_first(editor: Editor) -> None:
    source = "".join(f"<h1 style='break-before: page'>{number}</h1>" for number in range(1, 71))
    pages = editor.look(html_source=source, wish={"first": 40, "count": 3}).json()["pages"]
    assert (pages["page_count"], pages["first"], len(pages["large"]), len(pages["small"])) == (70, 40, 3, 60)
    beyond = editor.look(html_source="<p>one", wish={"first": 40}).json()["pages"]
    assert (beyond["page_count"], beyond["first"], len(beyond["large"])) == (1, 1, 1)


def test_either_engine_is_shown_with_the_time_it_took(editor: Editor) -> None:
    for engine in ("weasyprint", "plutobook"):
        pages = editor.look(wish={"engine": engine}).json()["pages"]
        assert pages["engine_version"].lower().startswith(("weasy", "pluto"))
        assert pages["engine_ms"] >= 0


def test_a_syntax_error_is_a_finding_at_its_line(editor: Editor) -> None:
    answer = editor.look(html_source="<p>\n<p>\n{% if %}")
    assert answer.status_code == 200
    assert answer.json()["pages"] is None
    (finding,) = answer.json()["findings"]
    assert (finding["severity"], finding["file"], finding["line"]) == ("error", "html_source", 3)


def test_an_error_in_a_typed_partial_names_it(editor: Editor) -> None:
    (finding,) = editor.look(html_source="{% include 'p' %}", partials={"p": "\n{{ 1 + }}"}).json()["findings"]
    assert (finding["file"], finding["line"]) == ("partials/p", 2)


def test_a_sample_that_does_not_fit_is_told_and_the_pages_are_shown(editor: Editor) -> None:
    schema = '{"properties": {"name": {"type": "integer"}}}'
    answer = editor.look(schema_text=schema, sample_text='{"name": "Ada"}').json()
    (finding,) = answer["findings"]
    assert (finding["file"], finding["pointer"], finding["code"]) == ("sample_payload", "/name", "payload_invalid")
    assert answer["pages"]["page_count"] == 1


def test_newer_text_of_a_sitting_ends_the_older_preview(editor: Editor) -> None:
    slow = "{% for n in range(60000) %}<table><tr><td>{{ n }}</td></tr></table>{% endfor %}"
    answers: list[Any] = []

    def look_at_the_slow_one() -> None:
        answers.append(editor.look(html_source=slow, wish={"engine": "weasyprint"}))
        connection.close()

    waiting = threading.Thread(target=look_at_the_slow_one)
    waiting.start()
    while waiting.is_alive():
        quick = editor.look(html_source="<p>quick")
        if quick.status_code == 200 and answers:
            break
    waiting.join()
    assert (answers[0].status_code, answers[0].json()["code"]) == (409, "stale")
    assert editor.look(html_source="<p>quick").json()["pages"]["page_count"] == 1


def test_the_gates_findings_come_without_publishing(editor: Editor, draft: TemplateVersion) -> None:
    editor.save(1, html_source='<img src="asset:gone.png">')
    found = editor.call("findings", {}).json()["findings"]
    assert {finding["code"] for finding in found if finding["severity"] == "error"} == {"asset_missing"}
    draft.refresh_from_db()
    assert draft.status == "draft"


def test_a_file_is_uploaded_shown_and_removed(editor: Editor) -> None:
    upload = {"file": SimpleUploadedFile("logo.svg", SVG), "name": "logo.svg", "type": "logo"}
    answer = editor.browser.post(f"{editor.url}assets/", upload)
    assert [asset["name"] for asset in answer.json()["assets"]] == ["logo.svg"]
    assert answer.json()["revision"] == 2
    shown = editor.browser.get(f"{editor.url}assets/logo.svg/")
    assert (shown.content, shown.headers["Content-Type"]) == (SVG, "image/svg+xml")
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    removed = editor.browser.post(f"{editor.url}assets/", {"remove": "logo.svg"})
    assert (removed.json()["assets"], removed.json()["revision"]) == ([], 3)
    assert editor.browser.get(f"{editor.url}assets/logo.svg/").status_code == 404


def test_a_file_that_is_not_what_it_says_is_refused(editor: Editor) -> None:
    upload = {"file": SimpleUploadedFile("x.png", b"no picture"), "name": "x.png", "type": "image"}
    answer = editor.browser.post(f"{editor.url}assets/", upload)
    assert (answer.status_code, answer.json()["code"]) == (422, "asset_refused")
    assert editor.browser.post(f"{editor.url}assets/", {"name": "x.png", "type": "image"}).status_code == 400


@pytest.mark.parametrize("name", ["save", "preview", "findings", "assets"])
def test_viewers_and_strangers_call_nothing(
    bob: Member, charlie: Member, draft: TemplateVersion, editor: Editor, name: str
) -> None:
    for person, status in ((bob, 403), (charlie, 404)):
        theirs = Editor(person, draft)
        answer = theirs.call(name, {"fields_typed": {"html_source": "x"}, "sitting": "x"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert theirs.browser.get(f"{theirs.url}state/").status_code == status
        assert theirs.browser.get(theirs.url).status_code == status
    assert charlie.browser.get(f"{editor.url}assets/x/").status_code == 404
    draft.refresh_from_db()
    assert draft.revision == 1


def test_a_call_needs_the_csrf_token_and_the_right_method(alice: Member, editor: Editor) -> None:
    from rest_framework.test import APIClient

    strict = APIClient(enforce_csrf_checks=True)
    strict.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    assert strict.post(f"{editor.url}save/", {}, format="json").status_code == 403
    assert editor.browser.get(f"{editor.url}save/").status_code == 405
    assert editor.call("state", {}).status_code == 405


@pytest.mark.parametrize("body", ["", "[]", "{", '{"fields_typed": 1}', '{"fields_typed": {}, "sitting": "a b"}'])
def test_a_body_that_is_none_is_refused(editor: Editor, body: str) -> None:
    for name in ("save", "preview"):
        answer = editor.browser.post(f"{editor.url}{name}/", body, content_type="application/json")
        if name == "preview" or "sitting" not in body:
            assert answer.status_code == 400, answer.content
