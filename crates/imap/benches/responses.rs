//! What the client does with what a server says: octets in, responses out.
//!
//! `cargo bench --bench responses`

use bytes::BytesMut;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use mailimport_imap::Limits;
use mailimport_imap::protocol::Decoder;

/// As they come from a socket.
const READ: usize = 16 * 1024;

fn main() {
    divan::main();
}

/// Messages with their bodies.
#[divan::bench(args = [1_000, 6_000, 60_000])]
fn messages(bencher: Bencher, octets: usize) {
    let body = "What is written here says nothing and is long enough.\r\n".repeat(octets / 55);
    let wire: String = (1..=500)
        .map(|number| {
            format!(
                "* {number} FETCH (UID {number} FLAGS (\\Seen $Forwarded) INTERNALDATE \" 1-Feb-2024 10:00:00 +0100\" \
                 RFC822.SIZE {size} BODY[] {{{size}}}\r\n{body})\r\n",
                size = body.len()
            )
        })
        .collect();
    decode_all(bencher, &wire, 500);
}

/// A listing with flags, as each run asks for.
#[divan::bench]
fn flags(bencher: Bencher) {
    let line =
        |number: u32| format!("* {number} FETCH (UID {number} FLAGS (\\Answered \\Seen) MODSEQ (4711))\r\n");
    decode_all(bencher, &(1..=10_000).map(line).collect::<String>(), 10_000);
}

/// A list of folders with their STATUS.
#[divan::bench]
fn folders(bencher: Bencher) {
    let lines = |number: u32| {
        format!(
            "* LIST (\\HasNoChildren) \"/\" \"Archive/Year {number}\"\r\n\
             * STATUS \"Archive/Year {number}\" (MESSAGES 12 UIDNEXT 40 UIDVALIDITY 1700000000 HIGHESTMODSEQ 77)\r\n"
        )
    };
    decode_all(bencher, &(1..=1_000).map(lines).collect::<String>(), 2_000);
}

fn decode_all(bencher: Bencher, wire: &str, responses: usize) {
    let octets = wire.as_bytes();
    bencher.counter(BytesCount::of_slice(octets)).counter(ItemsCount::new(responses)).bench_local(|| {
        let mut decoder = Decoder::new(Limits::default());
        let mut waiting = BytesMut::with_capacity(4 * READ);
        let mut frames = 0;
        for read in octets.chunks(READ) {
            waiting.extend_from_slice(read);
            while let Ok(Some(frame)) = decoder.decode(&mut waiting) {
                frames += 1;
                divan::black_box(frame);
            }
        }
        assert!(frames >= responses);
    });
}
