use super::*;

fn runs(text: &str) -> Vec<(String, String)> {
    Pen::default().line(text.as_bytes()).runs.into_iter().map(|run| (run.class, run.text)).collect()
}

fn plain(text: &str) -> String {
    Pen::default().line(text.as_bytes()).text()
}

#[test]
fn colours_become_names() {
    let run = |class: &str, text: &str| (class.to_owned(), text.to_owned());
    assert_eq!(runs("a\u{1b}[31mb\u{1b}[0mc"), [run("", "a"), run("f1", "b"), run("", "c")]);
    assert_eq!(runs("\u{1b}[1;32;40mok\u{1b}[m!"), [run("f2 g0 b", "ok"), run("", "!")]);
    assert_eq!(runs("\u{1b}[91mx"), [run("f9", "x")]);
    assert_eq!(runs("\u{1b}[7mx"), [run("f0 g7", "x")]);
    assert_eq!(runs("\u{1b}[38;5;196mx\u{1b}[48;2;0;200;0my"), [run("f9", "x"), run("f9 g2", "y")]);
    assert_eq!(runs("\u{1b}[38:5:4mx"), [run("f4", "x")]);
    assert_eq!(runs("\u{1b}[38mx\u{1b}[999mx\u{1b}[99999999mx"), [run("", "xxx")]);
}

#[test]
fn a_look_goes_on_over_the_end_of_a_line() {
    let mut pen = Pen::default();
    pen.line(b"\x1b[33mone");
    assert_eq!(pen.line(b"two").runs[0].class, "f3");
}

#[test]
fn what_is_written_over_is_gone() {
    assert_eq!(plain("10 %\r20 %\rdone"), "done");
    assert_eq!(plain("whole\r"), "whole", "the end of a line as Windows has it");
    assert_eq!(plain("abd\u{8}c"), "abc");
    assert_eq!(plain("progress\u{1b}[2Kdone"), "done");
}

#[test]
fn timestamps_are_taken_and_not_shown() {
    let line = Pen::default().line(b"\x1b_bk;t=1700000000123\x07$ make\x1b_bk;t=1700000009999\x07 test");
    assert_eq!((line.text().as_str(), line.at), ("$ make test", Some(Timestamp::from_micros(1_700_000_000_123_000))));
    for wrong in
        ["\u{1b}_bk;t=-1\u{7}x", "\u{1b}_bk;t=\u{7}x", "\u{1b}_bk;t=99999999999999999999\u{7}x", "\u{1b}_other\u{7}x"]
    {
        assert_eq!(Pen::default().line(wrong.as_bytes()), Pen::default().line(b"x"), "{wrong:?}");
    }
}

#[test]
fn no_link_and_no_picture_comes_out_of_a_log() {
    assert_eq!(plain("\u{1b}]8;;javascript:alert(1)\u{1b}\\here\u{1b}]8;;\u{1b}\\"), "here");
    assert_eq!(plain("\u{1b}]1339;url='https://evil.example/';content='here'\u{7}!"), "here!");
    assert_eq!(plain("\u{1b}]1338;url='https://evil.example/a.png';alt='a plot'\u{7}"), "a plot");
    assert_eq!(plain("\u{1b}]1337;File=name=eA==;inline=1:AAAA\u{7}"), "[picture]");
    assert_eq!(plain("\u{1b}]0;a title\u{7}x"), "x");
}

#[test]
fn whatever_comes_a_line_ends() {
    for text in [
        "\u{1b}",
        "\u{1b}[",
        "\u{1b}[31",
        "\u{1b}]8;;",
        "\u{1b}_bk;t=1",
        "\u{1b}P",
        "\u{1b}(",
        "\u{9b}31m",
        "\u{0}\u{7f}",
    ] {
        assert!(!plain(text).contains(char::is_control), "{text:?}");
    }
    let long = format!("\u{1b}[{}mx", "1;".repeat(500));
    assert!(plain(&long).ends_with('x'));
    assert_eq!(Pen::default().line(b"\xff\xfeok").text(), "\u{fffd}\u{fffd}ok");
}

#[test]
fn the_first_characters_are_taken_off() {
    let line = Pen::default().line("--- \u{1b}[31mä\u{1b}[0mb".as_bytes());
    assert_eq!(line.clone().without(4).text(), "äb");
    assert_eq!(line.clone().without(5).text(), "b");
    assert_eq!(line.without(99).text(), "");
}

#[test]
fn a_line_is_cut_where_its_text_and_its_looks_would_be_too_much() {
    let line = Pen::default().line(b"ab\x1b[31mcd\x1b[0mef");
    assert_eq!(line.weight(), 4 + 18 + 2);
    assert_eq!(line.clone().up_to(24).text(), "abcdef");
    for (most, text) in [(23, "abcde"), (22, "abcd"), (21, "abc"), (20, "ab"), (1, "a"), (0, "")] {
        let cut = line.clone().up_to(most);
        assert_eq!(cut.text(), text, "{most}");
        assert!(cut.weight() <= most, "{most}");
    }
}

#[test]
fn every_name_is_one_of_the_style_sheet() {
    let style = include_str!("../../../assets/log.css");
    for number in 0..16 {
        assert!(style.contains(&format!(".f{number} ")) && style.contains(&format!(".g{number} ")), "{number}");
    }
    for name in ["b", "d", "i", "u", "s"] {
        assert!(style.contains(&format!(".log .{name} ")), "{name}");
    }
}

/// What a line shows, read sign by sign: what [`Pen::line`] and [`show`] take from it in longer parts.
fn sign_by_sign(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut signs, mut shown, mut has_returned) = (text.chars().peekable(), String::new(), false);
    while let Some(sign) = signs.next() {
        match sign {
            '\u{1b}' => match signs.next() {
                Some('[') => {
                    let mut parameters = String::new();
                    while let Some(sign) = signs.next_if(|sign| (' '..='~').contains(sign)) {
                        if sign == 'K' && ["1", "2"].contains(&parameters.as_str()) {
                            shown.clear();
                        }
                        if ('@'..='~').contains(&sign) || parameters.len() >= 64 {
                            break;
                        }
                        parameters.push(sign);
                    }
                }
                Some(kind @ (']' | '_' | 'P' | '^' | 'X')) => {
                    let mut said = String::new();
                    while let Some(sign) = signs.next() {
                        if sign == '\u{1b}' {
                            signs.next_if_eq(&'\\');
                        }
                        if matches!(sign, '\u{7}' | '\u{9c}' | '\u{1b}') || said.len() >= 4_096 {
                            break;
                        }
                        said.push(sign);
                    }
                    if kind == ']' {
                        shown.extend(words_of(&said).chars().filter(|sign| !sign.is_control()));
                    }
                }
                Some('(' | ')' | '*' | '+' | '#') => drop(signs.next()),
                _ => {}
            },
            '\r' => has_returned = true,
            '\u{8}' => drop(shown.pop()),
            _ if sign != '\t' && sign.is_control() => {}
            _ => {
                if std::mem::take(&mut has_returned) {
                    shown.clear();
                }
                shown.push(sign);
            }
        }
    }
    shown
}

#[test]
fn what_is_taken_in_longer_parts_is_what_is_read_sign_by_sign() {
    let mut shown = String::new();
    for bytes in made_up::lines(20_000) {
        let expected = sign_by_sign(&bytes);
        show(&bytes, &mut shown);
        assert_eq!(shown, expected, "{:?}", String::from_utf8_lossy(&bytes));
        assert_eq!(Pen::default().line(&bytes).text(), expected, "{:?}", String::from_utf8_lossy(&bytes));
    }
}
