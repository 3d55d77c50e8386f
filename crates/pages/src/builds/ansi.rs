//! What a job wrote to a terminal, as runs of text with names of looks: colours and the like, which a style sheet knows.
//!
//! A machine of its own, for the logs that agents send hold their timestamps in a sequence that ends as terminals do not have it (`ESC _ bk;t=… BEL`),
//! which the parsers of terminals take the rest of a line for. Everything but text, colours and those timestamps is passed over; no link and
//! no picture comes out of a log.

mod paper;
mod signs;

use std::borrow::Cow;

use countersign_domain::Timestamp;

use crate::weight;

use paper::{Draft, Paper};
use signs::Signs;

/// What stands before a timestamp: milliseconds since 1970.
const STAMP: &str = "bk;t=";

/// A run of text of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Names of the style sheet; empty for plain text.
    pub class: String,
    pub text: String,
}

impl Run {
    /// Bytes of what stands around its text in a page.
    fn around(&self) -> usize {
        if self.class.is_empty() { 0 } else { self.class.len() + r#"<b class=""></b>"#.len() }
    }
}

/// A line as it looks when all of it has been written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Line {
    pub runs: Vec<Run>,
    /// When it was written, by its agent.
    pub at: Option<Timestamp>,
}

impl Line {
    /// Its text alone.
    pub(crate) fn text(&self) -> String {
        self.runs.iter().map(|run| run.text.as_str()).collect()
    }

    /// The same, its text no more than takes `most` bytes in a page with all its looks.
    pub(crate) fn up_to(mut self, most: usize) -> Self {
        let mut left = most;
        let mut kept = 0;
        for run in &mut self.runs {
            let Some(room) = left.checked_sub(run.around()).filter(|room| *room > 0) else { break };
            let start = weight::start(&run.text, room).len();
            let is_whole = start == run.text.len();
            run.text.truncate(start);
            kept += 1;
            left = room.saturating_sub(weight::of(&run.text));
            if !is_whole {
                break;
            }
        }
        self.runs.truncate(kept);
        self
    }

    /// How many bytes it takes in a page.
    pub(crate) fn weight(&self) -> usize {
        self.runs.iter().map(|run| run.around() + weight::of(&run.text)).sum()
    }

    /// The same without its first characters.
    pub(crate) fn without(mut self, mut characters: usize) -> Self {
        for run in &mut self.runs {
            let taken: usize = run.text.chars().take(characters).map(char::len_utf8).sum();
            characters -= run.text.get(..taken).map_or(0, |start| start.chars().count());
            run.text.drain(..taken);
        }
        self.runs.retain(|run| !run.text.is_empty());
        self
    }
}

/// How text looks from here on; it goes on over the ends of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pen {
    /// Of the sixteen.
    text: Option<u8>,
    ground: Option<u8>,
    is_bold: bool,
    is_dim: bool,
    is_italic: bool,
    is_underlined: bool,
    is_struck: bool,
    is_inverse: bool,
}

impl Pen {
    fn class(self) -> String {
        let (text, ground) = if self.is_inverse {
            (Some(self.ground.unwrap_or(0)), Some(self.text.unwrap_or(7)))
        } else {
            (self.text, self.ground)
        };
        let mut names: Vec<String> = Vec::new();
        names.extend(text.map(|it| format!("f{it}")));
        names.extend(ground.map(|it| format!("g{it}")));
        let looks = [
            (self.is_bold, "b"),
            (self.is_dim, "d"),
            (self.is_italic, "i"),
            (self.is_underlined, "u"),
            (self.is_struck, "s"),
        ];
        names.extend(looks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, name)| name.to_owned()));
        names.join(" ")
    }

    /// Reads a line. A carriage return begins it anew, as progress bars have it.
    pub(crate) fn line(&mut self, bytes: &[u8]) -> Line {
        let mut draft = Draft::default();
        self.read(bytes, &mut draft);
        let runs = draft.runs.into_iter().map(|(pen, text)| Run { class: pen.class(), text });
        Line { runs: runs.collect(), at: draft.at }
    }

    fn read(&mut self, bytes: &[u8], paper: &mut impl Paper) {
        let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
        let (mut signs, mut has_returned) = (Signs::new(&text), false);
        loop {
            let plain = signs.plain();
            if !plain.is_empty() {
                if has_returned {
                    paper.wipe();
                    has_returned = false;
                }
                paper.write(*self, plain);
            }
            match signs.next() {
                Some('\u{1b}') => self.escape(&mut signs, paper),
                Some('\r') => has_returned = true,
                Some('\u{8}') => paper.step_back(),
                Some(_) => {}
                None => return,
            }
        }
    }

    fn escape<P: Paper>(&mut self, signs: &mut Signs<'_>, paper: &mut P) {
        match signs.next() {
            Some('[') => match signs.sequence() {
                (parameters, Some('m')) if P::HAS_LOOKS => self.select(parameters),
                // The line is wiped, whole or up to here.
                ("1" | "2", Some('K')) => paper.wipe(),
                _ => {}
            },
            Some(']') => {
                let words = words_of(signs.string());
                words.split(char::is_control).filter(|part| !part.is_empty()).for_each(|part| paper.write(*self, part));
            }
            Some('_') => {
                let millis = signs.string().strip_prefix(STAMP).and_then(|it| it.parse::<i64>().ok());
                if let Some(millis) = millis.filter(|it| *it >= 0) {
                    paper.stamp(Timestamp::from_micros(millis.saturating_mul(1_000)));
                }
            }
            Some('P' | '^' | 'X') => {
                signs.string();
            }
            // Which set of signs is meant: one more follows.
            Some('(' | ')' | '*' | '+' | '#') => {
                signs.next();
            }
            _ => {}
        }
    }

    /// Takes parameters of a choice of looks.
    fn select(&mut self, parameters: &str) {
        let numbers: Vec<u16> = parameters
            .split([';', ':'])
            .map(|it| if it.is_empty() { 0 } else { it.parse().unwrap_or(u16::MAX) })
            .collect();
        let mut rest = numbers.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match *first {
                0 => *self = Self::default(),
                1 => self.is_bold = true,
                2 => self.is_dim = true,
                3 => self.is_italic = true,
                4 => self.is_underlined = true,
                7 => self.is_inverse = true,
                9 => self.is_struck = true,
                21 | 22 => (self.is_bold, self.is_dim) = (false, false),
                23 => self.is_italic = false,
                24 => self.is_underlined = false,
                27 => self.is_inverse = false,
                29 => self.is_struck = false,
                it @ 30..=37 => self.text = u8::try_from(it - 30).ok(),
                39 => self.text = None,
                it @ 40..=47 => self.ground = u8::try_from(it - 40).ok(),
                49 => self.ground = None,
                it @ 90..=97 => self.text = u8::try_from(it - 82).ok(),
                it @ 100..=107 => self.ground = u8::try_from(it - 92).ok(),
                38 => (self.text, rest) = colour(rest),
                48 => (self.ground, rest) = colour(rest),
                _ => {}
            }
        }
    }
}

/// What a line shows, without how it looks: the same as [`Line::text`], in a text that is used for one line after the other.
pub(crate) fn show(bytes: &[u8], shown: &mut String) {
    shown.clear();
    Pen::default().read(bytes, shown);
}

/// What is shown of a link or a picture: its words, or its address as a text. A link as terminals have it has its words behind it.
fn words_of(text: &str) -> String {
    let Some((kind @ ("1337" | "1338" | "1339"), rest)) = text.split_once(';') else { return String::new() };
    let said = |name: &str| {
        let found = rest.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        found.map(|value| value.trim_matches(['\'', '"']).to_owned()).filter(|value| !value.is_empty())
    };
    let words = said("content").or_else(|| said("alt")).or_else(|| said("url"));
    words.unwrap_or_else(|| if kind == "1339" { String::new() } else { "[picture]".to_owned() })
}

/// A colour of a longer palette as the nearest of the sixteen, and what follows it.
fn colour(numbers: &[u16]) -> (Option<u8>, &[u16]) {
    let byte = |it: u16| u8::try_from(it).unwrap_or(u8::MAX);
    match numbers {
        [5, number, rest @ ..] => (Some(of_palette(byte(*number))), rest),
        [2, red, green, blue, rest @ ..] => (Some(nearest([byte(*red), byte(*green), byte(*blue)])), rest),
        _ => (None, &[]),
    }
}

/// The sixteen as terminals have them.
const SIXTEEN: [[u8; 3]; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// Of the 256: sixteen, a cube of six by six by six, and 24 greys.
fn of_palette(number: u8) -> u8 {
    let level = |it: u8| if it == 0 { 0 } else { 55 + it * 40 };
    match number {
        0..=15 => number,
        16..=231 => {
            let place = number - 16;
            nearest([level(place / 36), level(place / 6 % 6), level(place % 6)])
        }
        232..=255 => nearest([8 + (number - 232) * 10; 3]),
    }
}

fn nearest(wanted: [u8; 3]) -> u8 {
    let distance = |it: &[u8; 3]| -> u32 { it.iter().zip(wanted).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    let best = SIXTEEN.iter().enumerate().min_by_key(|(_, it)| distance(it));
    best.and_then(|(at, _)| u8::try_from(at).ok()).unwrap_or(7)
}

#[cfg(test)]
pub(crate) mod made_up;
#[cfg(test)]
mod tests;
