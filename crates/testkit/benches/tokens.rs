//! What it costs to look at a credential, before any row is touched: with the floor, one bare HMAC-SHA-256, beside it.
//!
//! Each line is the median of its slices, so that a slice in which the machine did something else does not count. Compare
//! ratios of one run, not figures of two.

#![expect(clippy::print_stdout, reason = "a measurement's result is what it prints")]
#![expect(clippy::disallowed_methods, reason = "a measurement takes real time")]
#![expect(clippy::expect_used, reason = "a failed measurement stops the run")]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aws_lc_rs::hmac;
use countersign_domain::token::Prefix;
use countersign_domain::{Entropy, KeyRing, Kind, Timestamp, TokenSecret};

/// Slices per line; odd, so that there is a middle one.
const SLICES: usize = 31;
/// Calls per slice: some milliseconds each.
const CALLS: u32 = 20_000;

/// Repeatable bytes: what is minted here is never used.
struct Repeatable(AtomicU64);

impl Entropy for Repeatable {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            // The step is odd and large, so that all 64 bits and thus the upper byte move.
            let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            *byte = (state >> 56) as u8;
        }
    }
}

fn main() {
    let entropy = Repeatable(AtomicU64::new(1));
    let prefix: Prefix = "csn".parse().expect("the default prefix is one");
    let ring = KeyRing::generate(Timestamp::EPOCH, &entropy);
    let secret = TokenSecret::mint(&prefix, Kind::AgentToken, &entropy);
    let digest = ring.digest(&secret);
    let value = secret.reveal().to_owned();
    let mut mistyped = value.clone();
    let last = if mistyped.pop() == Some('0') { '1' } else { '0' };
    mistyped.push(last);

    let key = hmac::Key::new(hmac::HMAC_SHA256, digest.as_bytes());
    println!("{:<40} {:>10} {:>12}", "credentials, one core", "ns", "x floor");
    let floor = measure(|| {
        black_box(hmac::sign(&key, black_box(value.as_bytes())));
    });
    line("floor: one HMAC-SHA-256 over a value", floor, floor);
    let refused = measure(|| assert!(TokenSecret::parse(black_box(&mistyped)).is_err()));
    line("mistyped value, refused by its checksum", refused, floor);
    let parsed = measure(|| assert!(TokenSecret::parse(black_box(&value)).is_ok()));
    line("parse", parsed, floor);
    let verified = measure(|| assert_eq!(ring.verify(black_box(&secret), &digest), Ok(true)));
    line("verify a known secret", verified, floor);
    let unknown = measure(|| ring.spend_verify(black_box(&secret)));
    line("same for an unknown id", unknown, floor);
}

/// Nanoseconds per call, the median of the slices.
fn measure(mut call: impl FnMut()) -> f64 {
    let mut slices: Vec<f64> = (0..SLICES)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
        })
        .collect();
    slices.sort_by(f64::total_cmp);
    slices[SLICES / 2]
}

fn line(name: &str, nanoseconds: f64, floor: f64) {
    println!("{name:<40} {nanoseconds:>10.0} {:>12.2}", nanoseconds / floor);
}
