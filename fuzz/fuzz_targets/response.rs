//! Framer and parser together: no panic, and the same responses however the octets are cut. The
//! first octet of the input is the size of the pieces.
#![no_main]

use bytes::BytesMut;
use imap::protocol::{Decoder, Frame, Limits, Response};
use libfuzzer_sys::fuzz_target;

fn responses(wire: &[u8], piece: usize) -> Result<(Vec<Response>, Vec<u8>), (&'static str, u64)> {
    let mut decoder = Decoder::new(Limits::default());
    let (mut waiting, mut found, mut bodies) = (BytesMut::new(), Vec::new(), Vec::new());
    for piece in wire.chunks(piece) {
        waiting.extend_from_slice(piece);
        while let Some(frame) = decoder.decode(&mut waiting)? {
            match frame {
                Frame::BodyStart { .. } => {}
                Frame::BodyData(octets) => bodies.extend_from_slice(&octets),
                Frame::Response(response) => found.push(*response),
            }
        }
    }
    Ok((found, bodies))
}

fuzz_target!(|octets: &[u8]| {
    let Some((&piece, wire)) = octets.split_first() else { return };
    let whole = responses(wire, wire.len().max(1));
    assert_eq!(whole, responses(wire, usize::from(piece).max(1)));
});
