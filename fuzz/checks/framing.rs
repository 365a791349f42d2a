//! The decoder under narrow limits: it holds no more than they allow, hands on no more of a body than was announced,
//! and whatever came before, the next sound line is understood.

use bytes::BytesMut;
use imap::protocol::{Condition, Decoder, Frame, Limits, Response};

fn narrow() -> Limits {
    let mut limits = Limits::default();
    (limits.line, limits.fetch, limits.search, limits.skip) = (64, 128, 256, 1_024);
    limits
}

/// The first octet is the size of the pieces, the others are what a server sends.
pub(crate) fn check(octets: &[u8]) {
    let Some((&piece, wire)) = octets.split_first() else { return };
    let mut feed = Feed::default();
    for piece in wire.chunks(usize::from(piece).max(1)) {
        if feed.takes(piece).is_none() {
            return;
        }
        // What waits is a line without an end, and no longer than a line may be.
        assert!(feed.waiting.len() <= narrow().search, "{} octets wait", feed.waiting.len());
    }
    // Inside a literal anything belongs to it.
    if feed.decoder.is_mid_response() {
        return;
    }
    let ended = if feed.waiting.is_empty() { Some(()) } else { feed.takes(b"\r\n") };
    if ended.is_none() || feed.decoder.is_mid_response() {
        return;
    }
    feed.last = None;
    feed.takes(b"* OK sound\r\n");
    let Some(Response::Status(status)) = feed.last else { panic!("a sound line was lost: {:?}", feed.last) };
    assert_eq!((status.condition, status.text.as_str()), (Condition::Ok, "sound"));
}

struct Feed {
    decoder: Decoder,
    waiting: BytesMut,
    /// Octets of the body that are still to come, while there is one.
    body: Option<u64>,
    last: Option<Response>,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed { decoder: Decoder::new(narrow()), waiting: BytesMut::new(), body: None, last: None }
    }
}

impl Feed {
    /// `None` when the decoder gave up.
    fn takes(&mut self, octets: &[u8]) -> Option<()> {
        self.waiting.extend_from_slice(octets);
        while let Some(frame) = self.decoder.decode(&mut self.waiting).ok()? {
            match frame {
                Frame::BodyStart { announced, .. } => {
                    assert_eq!(self.body, None, "a body within a body");
                    self.body = Some(announced);
                }
                Frame::BodyData(data) => {
                    let left = self.body.expect("data of no body").checked_sub(data.len() as u64);
                    self.body = Some(left.expect("more of a body than was announced"));
                }
                Frame::Response(response) => {
                    assert!(matches!(self.body, None | Some(0)), "a response ended within its body");
                    (self.body, self.last) = (None, Some(*response));
                }
            }
        }
        Some(())
    }
}
