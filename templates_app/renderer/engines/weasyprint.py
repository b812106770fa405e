"""WeasyPrint: PDF/A, PDF/UA, forms and bookmarks; 30 times slower than PlutoBook."""

from __future__ import annotations

import gc
import logging
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import weasyprint
from PIL import Image
from weasyprint.text.ffi import ffi, pangoft2
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse, URLFetchingError

from templates_app.renderer.contracts import ErrorCode, RenderError
from templates_app.renderer.finishes import PdfVariant
from templates_app.renderer.resources import BASE_URL, Resource, ResourceRefused, Resources

VERSION = f"WeasyPrint {weasyprint.__version__}"

# Pillow only warns above this and errors above its double; make the warning the error.
Image.MAX_IMAGE_PIXELS = 50_000_000
warnings.simplefilter("error", Image.DecompressionBombWarning)
# It logs a line per table it prunes.
logging.getLogger("fontTools").setLevel(logging.ERROR)
_logger = logging.getLogger("weasyprint")
# The colour spaces of ICC that a PDF takes (ISO 32000-2, table 65).
_CHANNELS = {"GRAY": 1, "RGB ": 3, "Lab ": 3, "CMYK": 4}


class _Fetcher(URLFetcher):  # type: ignore[misc] # untyped
    """Gives resources and nothing else: none of its base's network and file handlers are set up."""

    _fail_on_errors = False

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        return _response(url, self._resources.fetch(url))

    def open(self, url: Any, data: Any = None, timeout: Any = None) -> URLFetcherResponse:
        return self.fetch(getattr(url, "full_url", url))


class _LocalFontFetcher(_Fetcher):
    """For one @font-face rule with `local()`: also gives the installed font file WeasyPrint found for it."""

    def __init__(self, resources: Resources, written: set[str]) -> None:
        super().__init__(resources)
        self._written = written

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        # A URL that the rule itself spells out did not come from fontconfig.
        if url.startswith("file:///") and url not in self._written:
            return _response(url, _installed_font(url))
        return super().fetch(url, headers)


class _Fonts(FontConfiguration):  # type: ignore[misc] # untyped
    """Knows whether a document added fonts to it, for then the next document must not get it."""

    dirty = False

    def add_font_face(self, rule_descriptors: dict[str, Any], url_fetcher: _Fetcher) -> None:
        self.dirty = True
        sources = rule_descriptors.get("src", ())
        if any(kind == "local" for kind, _ in sources):
            written = {url for kind, url in sources if kind != "local" and url}
            url_fetcher = _LocalFontFetcher(url_fetcher._resources, written)
        super().add_font_face(rule_descriptors, url_fetcher)

    def release(self) -> None:
        """Let go of fontconfig's data, after the last use: Pango's map leaks 0.22 MB of it if it still has it."""
        font_map = ffi.cast("PangoFcFontMap *", self.font_map)
        pangoft2.pango_fc_font_map_set_config(font_map, ffi.NULL)


class _Profiles(dict[str, Any]):
    """The colour profiles of one document: none whose colours have another number of channels than its rule says.

    WeasyPrint would fail for a rule without `components`, which need not be there, and write a PDF that is none for a
    rule with too many.
    """

    def __setitem__(self, name: str, profile: Any) -> None:
        space = profile._profile.profile.xcolor_space
        channels = _CHANNELS.get(space, 0)
        profile.components = profile.components or [str(number) for number in range(channels)]
        if len(profile.components) != channels or (name == "device-cmyk" and space != "CMYK"):
            message = "The colour profile %s is for %r, which does not go with its rule; the rule is ignored."
            _logger.warning(message, name, space.strip())
            return
        super().__setitem__(name, profile)


# A shared one makes small pages 10 to 25 % faster.
_shared: list[_Fonts] = []


def render(html: str, resources: Resources) -> bytes:
    """Return the PDF; raise RenderError when WeasyPrint cannot lay the document out."""
    return _render(html, resources, {})


def render_variant(html: str, resources: Resources, variant: PdfVariant) -> bytes:
    """Return the document as PDF/A or PDF/UA, as well as WeasyPrint can; raise as `render` does."""
    return _render(html, resources, {"pdf_variant": variant.value})


def _render(html: str, resources: Resources, options: dict[str, Any]) -> bytes:
    fonts = _shared.pop() if _shared else _Fonts()
    # A fifth faster on long documents; whoever serves us collects once the reply is out.
    gc.disable()
    try:
        document = weasyprint.HTML(string=html, base_url=BASE_URL, url_fetcher=_Fetcher(resources))
        pdf: bytes = document.write_pdf(font_config=fonts, color_profiles=_Profiles(), **options)
        return pdf
    except MemoryError:
        raise
    except URLFetchingError as error:
        reason = str(error).removeprefix(f"{ResourceRefused.__name__}: ")
        message = f"WeasyPrint cannot do without a missing resource: {reason}"
        raise RenderError(ErrorCode.ASSET_MISSING, message, permanent=True) from error
    except RecursionError as error:
        raise RenderError(ErrorCode.TEMPLATE_ERROR, "the HTML is nested too deeply", permanent=True) from error
    except Exception as error:
        traceback.print_exc()
        message = f"WeasyPrint cannot lay this document out: {type(error).__name__}: {error}"
        raise RenderError(ErrorCode.TEMPLATE_ERROR, message, permanent=True) from error
    finally:
        if fonts.dirty:
            fonts.release()
        else:
            _shared.append(fonts)


def _response(url: str, resource: Resource) -> URLFetcherResponse:
    charset = f"; charset={resource.charset}" if resource.charset else ""
    return URLFetcherResponse(url, resource.data, {"Content-Type": resource.content_type + charset})


def _installed_font(url: str) -> Resource:
    try:
        return Resource("font/sfnt", "", Path(unquote(urlsplit(url).path)).read_bytes())
    except OSError as error:
        raise ResourceRefused("the installed font cannot be read") from error
