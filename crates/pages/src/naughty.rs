//! Texts that would be more than text on a page that does not escape them, for the tests of every template that shows what people give.

/// Signs that take most bytes of a page: one that is escaped, and one of four bytes.
pub(crate) const HEAVY: [&str; 2] = ["\"", "👩"];

/// Each breaks out of one place or another.
pub(crate) const TEXTS: &[&str] = &[
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=\"alert(1)",
    "javascript:alert(1)",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<!--<img src=x onerror=alert(1)>-->",
    "]]><script>alert(1)</script>",
    "{{ 7 * 7 }}${7*7}<%= 7 %>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "\u{202e}txet\u{2066}",
    "a\u{0}b",
    "ä𝄞☃ 日本語 مرحبا",
    "=cmd|' /C calc'!A0",
    "`onerror=alert(1)`",
    "<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>",
];

/// Signs that mean something in HTML, as these templates write them.
fn escaped(text: &str) -> String {
    text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;").replace('"', "&#34;").replace('\'', "&#39;")
}

/// Fails unless a text stands in a page as text, and nowhere as anything else.
pub(crate) fn assert_inert(html: &str, text: &str) {
    assert!(html.contains(&escaped(text)), "{text:?} is not shown:\n{html}");
    if escaped(text) != text {
        assert!(!html.contains(text), "{text:?} is more than text:\n{html}");
    }
    for sign in
        ["<script>alert", "<img", "<svg onload", "<iframe", "<base", "<meta http", "<style>", "href=\"javascript:"]
    {
        assert!(!html.contains(sign), "{sign} came out of {text:?}:\n{html}");
    }
}
