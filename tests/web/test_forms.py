"""Forms as browsers and mail programs write them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctci.web import forms


def multipart(*fields: tuple[str, str], boundary: str = "x", end: str = "\r\n") -> bytes:
    parts = (
        f'--{boundary}{end}Content-Disposition: form-data; name="{name}"{end}{end}{value}{end}'
        for name, value in fields
    )
    return f"{''.join(parts)}--{boundary}--{end}".encode()


WORD = st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\x00'), max_size=20)


@given(st.lists(st.tuples(WORD, WORD), max_size=6), st.sampled_from(["\r\n", "\n"]))
def test_what_is_written_is_read(fields: list[tuple[str, str]], end: str) -> None:
    expected: dict[str, tuple[str, ...]] = {}
    for name, value in fields:
        expected[name] = (*expected.get(name, ()), value)

    assert (
        forms.fields('multipart/form-data; boundary="b-9f2c-b"', multipart(*fields, boundary="b-9f2c-b", end=end))
        == expected
    )


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"a=1&b=2&a=3", {"a": ("1", "3"), "b": ("2",)}),
        (b"a=%C3%A9+%26", {"a": ("é &",)}),
        (b"a=%ff&b", {"a": ("\ufffd",), "b": ("",)}),
        (b"", {}),
    ],
)
def test_a_browser_s_form_is_read(body: bytes, fields: dict[str, tuple[str, ...]]) -> None:
    assert forms.fields("application/x-www-form-urlencoded; charset=utf-8", body) == fields == forms.fields("", body)


def test_the_name_of_a_file_is_no_name_of_a_field() -> None:
    body = b'--x\r\nContent-Disposition: form-data; filename="stop"; name="file"\r\n\r\n1\r\n--x--'

    assert forms.fields("multipart/form-data; boundary=x", body) == {"file": ("1",)}


HEADS = st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])


@given(
    HEADS | st.text(),
    st.binary() | st.lists(st.sampled_from([b"--x", b"\r\n", b"\n\n", b'name="a"', b"--", b";"])).map(b"".join),
)
def test_no_body_is_more_than_refused(kind: str, body: bytes) -> None:
    try:
        found = forms.fields(kind, body)
    except ValueError as error:
        said = str(error)
    else:
        said = "read"
        assert all(isinstance(each, str) for values in found.values() for each in values)
    assert said.partition(" ")[0] in ("read", "send", "a", "multipart/form-data")
