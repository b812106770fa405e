"""The page of a link in the reader's language."""

from __future__ import annotations

import gettext
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils.translation import override

from downloads_app import views
from downloads_app.models import StoredFile
from downloads_app.services import link_redeem
from tests.conftest import Member
from tests.downloads.conftest import Handed, hand_out

APP = Path(settings.BASE_DIR) / "downloads_app"
OTHERS = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
WORDS = {
    "en": ("Your document is ready", "Download", "200.0\xa0KB", "You can download it 3 times."),
    "de": ("Ihr Dokument liegt bereit", "Herunterladen", "200,0\xa0KB", "Sie können es noch 3-mal herunterladen."),
    "fr": ("Votre document est prêt", "Télécharger", "200,0\xa0Kio", "Vous pouvez le télécharger encore 3 fois."),
    "es": ("Su documento está listo", "Descargar", "200,0\xa0KB", "Puede descargarlo 3 veces más."),
}
ONCE = {"de": "Sie können es einmal", "fr": "une seule fois", "es": "una sola vez"}
SPENT = {
    "en": "This link has been used",
    "de": "Dieser Link wurde bereits benutzt",
    "fr": "Ce lien a déjà été utilisé",
    "es": "Este enlace ya se ha utilizado",
}


def catalog(language: str) -> Catalog:
    with (APP / "locale" / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file)


def messages(catalog: Catalog) -> dict[tuple[str, str], Message]:
    """Return the messages by context and text."""
    return {
        (message.context or "", message.id if isinstance(message.id, str) else message.id[0]): message
        for message in catalog
        if message.id
    }


@pytest.fixture(scope="session")
def in_sources(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Return every text that the sources mark for translation."""
    copy = tmp_path_factory.mktemp("texts") / "downloads_app"
    shutil.copytree(APP, copy, ignore=shutil.ignore_patterns("__pycache__", "*.mo", "*.po"))
    (copy / "locale").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy)
        call_command("makemessages", locale=["de"], verbosity=0)
    with (copy / "locale/de/LC_MESSAGES/django.po").open("rb") as file:
        return set(messages(read_po(file)))


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated_and_none_is_left_over(language: str, in_sources: set[tuple[str, str]]) -> None:
    found = messages(catalog(language))
    assert len(in_sources) > 20
    assert set(found) == in_sources
    for message in found.values():
        texts = [message.string] if isinstance(message.string, str) else list(message.string or [""])
        assert all(texts), message.id
        assert not message.fuzzy
        assert message.python_format is False or all(
            set(_places(text)) <= set(_places(message.id if isinstance(message.id, str) else message.id[1]))
            for text in texts
        )


def _places(text: str) -> list[str]:
    return [part.split(")")[0] for part in text.split("%(")[1:]]


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_was_written(language: str, tmp_path: Path) -> None:
    folder = APP / "locale" / language / "LC_MESSAGES"
    fresh = tmp_path / "django.mo"
    msgfmt = shutil.which("msgfmt")
    assert msgfmt, "gettext is missing: script/setup --dev installs it"
    subprocess.run([msgfmt, "--check", "-o", fresh, folder / "django.po"], check=True)
    committed, compiled = (
        gettext.GNUTranslations(io.BytesIO(path.read_bytes()))._catalog  # type: ignore[attr-defined]
        for path in (folder / "django.mo", fresh)
    )
    assert committed == compiled


@pytest.mark.parametrize("language", WORDS)
def test_the_page_speaks_the_readers_language(client: Client, alice: Member, file: StoredFile, language: str) -> None:
    handed = hand_out(file, alice.caller, max_uses=3, ttl_seconds=2 * 86_400)
    response = client.get(handed.page, headers={"Accept-Language": f"{language}-XX,{language};q=0.9,en;q=0.1"})
    page = response.content.decode()
    assert f'<html lang="{language}" dir="ltr">' in page
    for words in WORDS[language]:
        assert words in page
    assert "Accept-Language" in response["Vary"]
    with override(language):
        from django.utils.formats import date_format

        day = handed.link.expires_at.day
        month = date_format(handed.link.expires_at, "F")
    shapes = {"de": f"{day}. {month} ", "es": f"{day} de {month} de "}
    assert shapes.get(language, f"{day} {month} ") in page


@pytest.mark.parametrize("language", ONCE)
def test_one_use_has_its_own_words(client: Client, handed: Handed, language: str) -> None:
    page = client.get(handed.page, headers={"Accept-Language": language}).content.decode()
    assert ONCE[language] in page


@pytest.mark.parametrize("language", SPENT)
def test_refusals_speak_it_too(client: Client, handed: Handed, language: str) -> None:
    link_redeem(token=handed.token, address=None, agent="").content.close()
    page = client.get(handed.page, headers={"Accept-Language": language}).content.decode()
    assert SPENT[language] in page
    assert f'<html lang="{language}"' in page
    wrong = client.get("/d/short", headers={"Accept-Language": language}).content.decode()
    with override(language):
        assert str(views._HEADLINES["not_found"]) in wrong


@pytest.mark.parametrize("header", ["", "*", "nl", "xx-YY;q=2", ",,,;;"])
def test_other_readers_get_english(client: Client, handed: Handed, header: str) -> None:
    page = client.get(handed.page, headers={"Accept-Language": header}).content.decode()
    assert '<html lang="en"' in page


def test_the_next_answer_is_not_in_the_last_ones_language(client: Client, handed: Handed) -> None:
    client.get(handed.page, headers={"Accept-Language": "de"})
    assert "Your document is ready" in client.get(handed.page).content.decode()
    refused = client.get(f"/d/{'x' * 43}/file", headers={"Accept-Language": "de"})
    assert refused.json()["detail"] == "There is no such link."
