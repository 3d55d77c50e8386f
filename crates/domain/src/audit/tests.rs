use super::*;
use crate::text::hex;

fn row(action: &str, actor: &str) -> Vec<u8> {
    canonical(&[Some(action.as_bytes()), Some(actor.as_bytes()), None])
}

/// A chain of five rows that fits.
fn chain() -> Vec<Link> {
    let mut head = Head::START;
    (1..=5)
        .map(|n: i64| {
            let canonical = row("token.create", &n.to_string());
            head = head.then(&canonical);
            Link { sequence: n, canonical, hash: head.hash }
        })
        .collect()
}

fn check(links: Vec<Link>) -> Result<Head, Broken> {
    verify(Head::START, links.into_iter().map(Ok))
}

#[test]
fn a_chain_fits_whole_and_in_parts() {
    let links = chain();
    let end = check(links.clone()).expect("it fits");
    assert_eq!(end, Head { sequence: 5, hash: links[4].hash });
    let middle = check(links[..2].to_vec()).expect("it fits");
    assert_eq!(verify::<Broken>(middle, links[2..].iter().cloned().map(Ok)), Ok(end));
}

#[test]
fn the_first_row_that_does_not_fit_is_named() {
    let changed = |at: usize, change: fn(&mut Link)| {
        let mut links = chain();
        change(&mut links[at]);
        check(links)
    };
    let edited = changed(2, |link| link.canonical = row("token.create", "mallory"));
    assert_eq!(edited, Err(Broken::Changed { sequence: 3 }));
    assert_eq!(changed(0, |link| link.hash[31] ^= 1), Err(Broken::Changed { sequence: 1 }));
    assert_eq!(changed(4, |link| link.sequence = 6), Err(Broken::Gap { expected: 5, found: 6 }));

    let mut removed = chain();
    removed.remove(1);
    assert_eq!(check(removed), Err(Broken::Gap { expected: 2, found: 3 }));
    let mut renumbered = chain();
    renumbered.remove(1);
    for (link, sequence) in renumbered.iter_mut().zip(1..) {
        link.sequence = sequence;
    }
    assert_eq!(check(renumbered), Err(Broken::Changed { sequence: 2 }));
    let mut swapped = chain();
    swapped.swap(1, 2);
    assert_eq!(check(swapped), Err(Broken::Gap { expected: 2, found: 3 }));
    let mut twice = chain();
    twice.insert(1, twice[0].clone());
    assert_eq!(check(twice), Err(Broken::Gap { expected: 2, found: 1 }));
}

#[test]
fn no_two_rows_share_their_bytes() {
    // Without lengths, these would be one text.
    assert_ne!(row("ab", "c"), row("a", "bc"));
    assert_ne!(row("", "abc"), row("abc", ""));
    assert_ne!(canonical(&[None]), canonical(&[Some(b"")]), "absent is not empty");
}

#[test]
fn the_form_never_drifts() {
    // Worked out with Python's hashlib: rows that were sealed by an older version must go on fitting.
    assert_eq!(hex(&chain()[0].hash), "4e69c01535457e3cec11843ce6dfa4f1fb94d480880f11f86a5f5fb94416e3fc");
}
