//! Lines that no job would write, made up of what is read in a way of its own.

/// What they are made up of.
const PARTS: [&[u8]; 40] = [
    b"err",
    b"or",
    b"ERROR",
    b"Err",
    b"o",
    b"r",
    b"e",
    b"a",
    b" ",
    b"b",
    b"\t",
    b"\r",
    b"\r",
    b"\x08",
    b"\x08",
    b"\0",
    b"\x7f",
    b"\x1b[31m",
    b"\x1b[0m",
    b"\x1b[1;38;5;196m",
    b"\x1b[2K",
    b"\x1b[1K",
    b"\x1b[K",
    b"\x1b[",
    b"\x1b",
    b"\x1b(",
    b"\x1b\\",
    b"\x1b_bk;t=1700000000123\x07",
    b"\x1b_bk;t=",
    b"\x1b]1339;url='x';content='an Error\xc2\x85 here'\x07",
    b"\x1b]1338;url=''\x07",
    b"\x1b]8;;https://x.example\x1b\\",
    b"\x1bPerror\xc2\x9c",
    b"\x07",
    "ä".as_bytes(),
    "o\u{301}".as_bytes(),
    "\u{85}".as_bytes(),
    b"\xff",
    b"\xc2",
    "€".as_bytes(),
];

/// So many lines, the same each time.
pub(crate) fn lines(count: usize) -> Vec<Vec<u8>> {
    let mut state = 7_u64;
    // Knuth's, of which the upper bits are good for something.
    let mut below = move |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % most
    };
    let mut line = || {
        let mut line: Vec<u8> = (0..below(12)).flat_map(|_| PARTS[below(PARTS.len())]).copied().collect();
        if below(50) == 0 {
            // A sequence that is longer than one may be.
            let (start, part, count) = [("\x1b[", "1;", 40), ("\x1b]1339;content=", "error ", 800)][below(2)];
            line.extend(format!("{start}{}", part.repeat(count)).bytes());
            line.extend(PARTS[below(PARTS.len())]);
        }
        line
    };
    (0..count).map(|_| line()).collect()
}
