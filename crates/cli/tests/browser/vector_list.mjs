// Texts that run as a script, or end what they stand in, where they are written raw; and texts that are odd in other ways. Each is one that the
// system takes: what hides is refused where it comes in, on every face.

// What runs.
const RUNS = [
  "<script>alert(1)</script>",
  "<ScRiPt >alert(1)</sCrIpT >",
  "<script/src=data:,alert(1)></script>",
  "<script type=module>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<img/src=x/onerror=alert(1)//",
  "<IMG SRC=x OnErRoR=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
  "<svg><a xlink:href=javascript:alert(1)><text y=9>x</text></a>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "<video><source onerror=alert(1)></video>",
  "<audio src=x onerror=alert(1)>",
  "<body onload=alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<select autofocus onfocus=alert(1)>",
  "<details open ontoggle=alert(1)>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
  "<object data=javascript:alert(1)>",
  "<embed src=javascript:alert(1)>",
  "<a href=javascript:alert(1)>x</a>",
  "<form action=javascript:alert(1)><button>x</button></form>",
  "<base href=//evil.example/>",
  "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
  "<link rel=stylesheet href=//evil.example/a.css>",
  "<style>@import'//evil.example/a.css'</style>",
  "<marquee onstart=alert(1)>",
  "<template><script>alert(1)</script></template>",
];

// What ends the place that a text stands in, before it goes on with something that runs.
const ENDS = ['">', "'>", "\"'>", "</title>", "</textarea>", "</script>", "</style>", "-->", "]]>", "</td></tr></table>", "</option></select>", "</code></pre>", "</noscript>", "<!--><", "\\\">"];

// What becomes an attribute.
const EVENTS = ["onclick", "onfocus", "onmouseover", "onanimationstart", "onpointerenter", "ontoggle", "onauxclick", "oninput", "oncut", "onwheel"];
const QUOTES = ['" ', "' ", "` ", " ", "/", '"/', "x\" y='"];

// What is an address, a template, or half of something.
const OTHERS = [
  "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)", "//evil.example", "https://evil.example/",
  "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{% include '/etc/passwd' %}", "[[constructor.constructor('alert(1)')()]]", "{{constructor.constructor('alert(1)')()}}",
  "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;", "&#x3c;img src=x onerror=alert(1)&#x3e;", "&amp;", "&amp;amp;", "&nbsp;", "&notit;", "&", "<", ">", "\"", "'", "`", "</", "<!", "<!--", "<?xml", "<![CDATA[",
  "%3Cscript%3Ealert(1)%3C/script%3E", "%253Cscript%253E", "\\u003cscript\\u003e", "\\x3cscript\\x3e", "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
  "[x](javascript:alert(1))", "![x](x\"onerror=\"alert(1))", "**bold** _em_ `code`", "<b>bold</b>", "\\", "\\\\", "\\n", "\\0", "%00", "%s%n", "$(reboot)", "`reboot`", "; reboot", "' OR 1=1 --", "\"; DROP TABLE tokens; --",
  "../../etc/passwd", "NULL", "null", "undefined", "NaN", "true", "0", "-1", "1e309", "[object Object]", "__proto__", "constructor", "-", "--", "...",
  "ÄÖÜ äöü ß", "Ærø", "Zażółć gęślą jaźń", "Ελληνικά", "Русский", "עברית", "العربية", "हिन्दी", "ไทย", "日本語テキスト", "한국어", "𝒰𝓃𝒾𝒸𝑜𝒹𝑒", "👩‍👩‍👧‍👦", "🏳️‍🌈", "e\u0301 é", "Z̸̢a̴̛l̵̡g̷o̶", "ﷺ", "Ⅷ ½ ﬁ", "İi Iı", "\u00a0", "＜script＞alert(1)＜/script＞", "ʺonclick=alert(1)",
];

function unique(all) {
  return [...new Set(all.map((text) => text.trim()))].filter((text) => text !== "");
}

export const VECTORS = unique([
  ...RUNS,
  ...ENDS.flatMap((end) => RUNS.filter((_, at) => at % 4 === end.length % 4).map((it) => `${end}${it}`)),
  ...EVENTS.flatMap((event) => QUOTES.map((quote) => `x${quote}${event}=alert(1) autofocus tabindex=1 x=`)),
  ...OTHERS,
]);

// Some of each, for fields that cost more to fill.
export const SHORT = unique([...RUNS.filter((_, at) => at % 3 === 1), ...ENDS.map((end) => `${end}<img src=x onerror=alert(1)>`), ...OTHERS.slice(0, 12)]);
