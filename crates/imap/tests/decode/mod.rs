//! Feeds octets to the decoder in pieces.

use bytes::BytesMut;
use mailimport_imap::Uid;
use mailimport_imap::protocol::{Decoder, Frame, Limits, Response};

/// A frame, with the pieces of a body put together.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Body { announced: u64, uid: Option<Uid>, octets: Vec<u8> },
    Response(Response),
}

/// All events of `wire`, and the most octets that waited at once.
pub(crate) fn decode(wire: &[u8], piece: usize, limits: &Limits) -> Result<(Vec<Event>, usize), String> {
    feed(wire.chunks(piece.max(1)), limits)
}

pub(crate) fn feed<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    limits: &Limits,
) -> Result<(Vec<Event>, usize), String> {
    let mut decoder = Decoder::new(limits.clone());
    let mut waiting = BytesMut::new();
    let (mut events, mut most) = (Vec::new(), 0);
    for piece in pieces {
        waiting.extend_from_slice(piece);
        most = most.max(waiting.len());
        while let Some(frame) = decoder.decode(&mut waiting).map_err(|error| format!("{error:?}"))? {
            match frame {
                Frame::BodyStart { announced, uid } => {
                    events.push(Event::Body { announced, uid, octets: Vec::new() });
                }
                Frame::BodyData(data) => match events.last_mut() {
                    Some(Event::Body { octets, .. }) => octets.extend_from_slice(&data),
                    other => panic!("data after {other:?}"),
                },
                Frame::Response(response) => events.push(Event::Response(*response)),
            }
        }
    }
    Ok((events, most))
}

/// All events of `wire`; the same however it is cut.
#[allow(dead_code, reason = "each test file uses its own part of this module")]
pub(crate) fn events(wire: &[u8]) -> Vec<Event> {
    let limits = Limits::default();
    let whole = decode(wire, wire.len(), &limits).unwrap().0;
    assert_eq!(decode(wire, 1, &limits).unwrap().0, whole);
    for cut in 1..wire.len().min(300) {
        let (left, right) = wire.split_at(cut);
        assert_eq!(feed([left, right].into_iter(), &limits).unwrap().0, whole, "cut at {cut}");
    }
    whole
}
