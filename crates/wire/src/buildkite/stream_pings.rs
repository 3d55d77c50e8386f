//! The messages of the streaming call, and how gRPC frames them.
//!
//! Six messages of two kinds of field, a text and a message: written by hand they are shorter than what a generator needs. Fields that are not
//! known are passed over, as the format asks.

/// The media type of the call.
pub const GRPC: &str = "application/grpc";
/// The header, or trailer, with the number of how a call ended.
pub const GRPC_STATUS: &str = "grpc-status";
/// The header, or trailer, with words about how it ended, percent-encoded.
pub const GRPC_MESSAGE: &str = "grpc-message";

/// How a call ended, by gRPC's numbers. An agent takes `Ok` for a stream that is to be opened again, `PermissionDenied`, `Unimplemented` and
/// `Unauthenticated` for a reason to poll for good, and the others for one to poll for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "gRPC's own names")]
pub enum GrpcStatus {
    Ok = 0,
    InvalidArgument = 3,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// What the agent asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamPingsRequest {
    /// Which agent it is.
    pub agent_id: String,
}

/// What the agent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPingsResponse {
    /// Nothing to do, or no longer paused.
    Resume,
    /// Stay, and take no job; with the reason.
    Pause(String),
    /// Leave; with the reason.
    Disconnect(String),
    /// Take the job with this id.
    JobAssigned(String),
}

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAMessage;

/// How long the head of a frame is: a byte that says whether it is compressed, and four for the length of what follows.
pub const FRAME_HEAD: usize = 5;

/// A frame's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// Whether the message is compressed.
    pub compressed: bool,
    /// How many bytes the message has.
    pub length: usize,
}

impl FrameHead {
    /// Reads a head.
    ///
    /// # Errors
    /// There are fewer than [`FRAME_HEAD`] bytes, or the first of them is neither 0 nor 1.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAMessage> {
        let [flag @ (0 | 1), length @ ..] = *bytes.first_chunk::<FRAME_HEAD>().ok_or(NotAMessage)? else {
            return Err(NotAMessage);
        };
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| NotAMessage)?;
        Ok(Self { compressed: flag == 1, length })
    }
}

impl StreamPingsRequest {
    /// Reads the message.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, NotAMessage> {
        let mut read = Self::default();
        while !bytes.is_empty() {
            let (key, rest) = varint(bytes)?;
            let (value, rest) = field(key & 7, rest)?;
            if key == tag(1) {
                read.agent_id = String::from_utf8(value.to_vec()).map_err(|_| NotAMessage)?;
            }
            if key >> 3 == 0 {
                return Err(NotAMessage);
            }
            bytes = rest;
        }
        Ok(read)
    }

    /// The message in its frame.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        framed(&text(1, &self.agent_id))
    }
}

impl StreamPingsResponse {
    /// The message in its frame, not compressed.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        framed(&match self {
            Self::Resume => nested(2, &[]),
            Self::Pause(reason) => nested(3, &text(1, reason)),
            Self::Disconnect(reason) => nested(4, &text(1, reason)),
            Self::JobAssigned(id) => nested(5, &nested(1, &text(1, id))),
        })
    }
}

/// The key of a field whose value has a length.
const fn tag(number: u64) -> u64 {
    number << 3 | 2
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend(message);
    frame
}

/// A text; an empty one is left out, as the format has it.
fn text(number: u64, value: &str) -> Vec<u8> {
    if value.is_empty() { Vec::new() } else { nested(number, value.as_bytes()) }
}

fn nested(number: u64, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 4);
    write_varint(tag(number), &mut bytes);
    write_varint(value.len() as u64, &mut bytes);
    bytes.extend(value);
    bytes
}

fn write_varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), NotAMessage> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(7 * place as u32).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[place + 1..]));
        }
    }
    Err(NotAMessage)
}

/// The value of a field, if it has a length, and what comes after it.
fn field(kind: u64, bytes: &[u8]) -> Result<(&[u8], &[u8]), NotAMessage> {
    let (length, bytes) = match kind {
        0 => return varint(bytes).map(|(_, rest)| (&[][..], rest)),
        1 => (8, bytes),
        2 => varint(bytes)?,
        5 => (4, bytes),
        _ => return Err(NotAMessage),
    };
    let length = usize::try_from(length).map_err(|_| NotAMessage)?;
    bytes.split_at_checked(length).ok_or(NotAMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_as_the_format_says() {
        assert_eq!(StreamPingsResponse::Resume.frame(), [0, 0, 0, 0, 2, 0x12, 0]);
        assert_eq!(StreamPingsResponse::Pause("no".to_owned()).frame(), b"\0\0\0\0\x06\x1a\x04\x0a\x02no");
        assert_eq!(StreamPingsResponse::Disconnect(String::new()).frame(), b"\0\0\0\0\x02\x22\0");
        assert_eq!(StreamPingsResponse::JobAssigned("j".to_owned()).frame(), b"\0\0\0\0\x07\x2a\x05\x0a\x03\x0a\x01j");
        let long = StreamPingsResponse::Pause("x".repeat(300)).frame();
        assert_eq!(long[..11], [0, 0, 0, 1, 0x32, 0x1a, 0xaf, 0x02, 0x0a, 0xac, 0x02]);
    }

    #[test]
    fn a_request_reads_back_and_unknown_fields_are_passed_over() {
        let request = StreamPingsRequest { agent_id: "0198".to_owned() };
        let frame = request.frame();
        assert_eq!(FrameHead::read(&frame), Ok(FrameHead { compressed: false, length: 6 }));
        assert_eq!(StreamPingsRequest::decode(&frame[FRAME_HEAD..]), Ok(request.clone()));
        let mut more = frame[FRAME_HEAD..].to_vec();
        // A number, eight bytes, four bytes, and a text under other numbers.
        more.extend(b"\x10\x96\x01\x19AAAAAAAA\x25BBBB\x32\x02hi");
        assert_eq!(StreamPingsRequest::decode(&more), Ok(request));
        assert_eq!(StreamPingsRequest::decode(b""), Ok(StreamPingsRequest::default()));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bytes in [&b"\x0a"[..], b"\x0a\x05abc", b"\x0a\x01\xff", b"\x0b\x00", b"\x02\x00", b"\x09abc", b"\x80"] {
            assert_eq!(StreamPingsRequest::decode(bytes), Err(NotAMessage), "{bytes:?}");
        }
        assert_eq!(StreamPingsRequest::decode(&[0xff; 20]), Err(NotAMessage));
        assert_eq!(FrameHead::read(&[2, 0, 0, 0, 0]), Err(NotAMessage));
        assert_eq!(FrameHead::read(&[0, 0, 0, 0]), Err(NotAMessage));
        assert_eq!(FrameHead::read(&[1, 0, 0, 1, 0]), Ok(FrameHead { compressed: true, length: 256 }));
    }
}
