"""Where a version's style sheet goes: the end of the head, wherever a parser would see it."""

from __future__ import annotations

import time

import pytest

from templates_app.renderer.author_style import with_author_style

HERE = "<style>p{}</style>"


@pytest.mark.parametrize(
    "html",
    [
        "@",
        "@<p>x",
        "<!doctype html>@<p>x",
        "<!DOCTYPE html><HTML><HEAD><TITLE>t</TITLE>@</HEAD><BODY>",
        "<html lang=en><head><meta charset=utf-8>@</head>",
        '<html><head><link rel=stylesheet href="a>b">@</head><body>',
        "<head><style>a > b { content: '</head>' }</style>@</head>",
        "<head><script>if (a < b) '</head>'</script>@</head>",
        "<head><title></head></title>@</head>",
        "<!-- </head> --><!doctype html><head><!-- <body> -->@</head>",
        "\ufeff <!doctype html>\n<head>\n@</head>",
        "<html>@<body><style>later</style>",
        "<head>@<header>not a head</header>",
        "<?xml version='1.0'?><html><head>@</head>",
        "<head><title>never closed@",
    ],
)
def test_the_style_goes_to_the_end_of_the_head(html: str) -> None:
    if "never closed" in html:
        assert with_author_style(html, "p{}").count(HERE) == 1
    else:
        assert with_author_style(html.replace("@", ""), "p{}") == html.replace("@", HERE)


def test_no_css_changes_nothing() -> None:
    assert with_author_style("<p>x", " \n ") == "<p>x"


@pytest.mark.parametrize("piece", ["<!--", "<style>", "<meta '", "<", "<!", " ", "<title>x</title"])
def test_a_malicious_head_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    with_author_style(piece * 100_000, "p{}")
    assert time.process_time() - begun < 2
