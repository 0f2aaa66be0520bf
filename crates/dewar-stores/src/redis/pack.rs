//! Contents in less room: deflated, with the words of sessions known beforehand.

use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::deflate::Words;

/// What sessions commonly hold, the commonest last: a reference to what is near is shorter. It is
/// part of the form: another dictionary would read other contents.
static WORDS: Words<698> = Words::new(br#"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.@example.com/https://www.:"/index","next":"/"],"items":[{"id":,"qty":,"price":"cart":[{"currency":"EUR","country":"DE","timezone":"Europe/Berlin","theme":"dark","lang":"en-US","locale":"en","role":"admin","roles":["user"],"email":"@gmail.com","name":"username":"{" t":[" d":"Mon, 01 Jan 2026 00:00:00 GMT"}," u":" b":" di":{" m":"last_seen":"oauth_state":"state":"nonce":"_flashes":[{" t":["message","success","error","info","warning","You were logged in"]}],"_permanent":true,"_remember":"set","_remember_seconds":"_csrf_token":"csrf_token":"_created":17"_fresh":true,"_id":"_user_id":"user_id":null,false,true,"visits":1,"count":{""#);

/// Below this nothing is saved.
const SHORT: usize = 24;

/// Beyond this the caller waits too long for what is saved: packing 64 KiB takes a tenth of a
/// millisecond.
const LONG: usize = 64 * 1024;

/// How many bytes packed contents may become: no writer has more than this.
const MOST: usize = LONG;

thread_local! {
    /// A stream takes 32 KiB and is cleared faster than it is made.
    static UNPACKER: RefCell<Decompress> =
        RefCell::new(Decompress::new_with_window_bits(false, 15));
}

/// The packed form, if it is shorter.
pub(super) fn pack(data: &[u8]) -> Option<Vec<u8>> {
    if !(SHORT..=LONG).contains(&data.len()) {
        return None;
    }
    WORDS.deflate(data)
}

/// Undoes [`pack`]; `None` if the bytes are not such.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    // Packed is less than it was, so this is none of ours: nothing is reserved for it.
    if packed.len() > MOST {
        return None;
    }
    UNPACKER.with_borrow_mut(|unpacker| {
        unpacker.reset(false);
        unpacker.set_dictionary(WORDS.as_bytes()).ok()?;
        let mut data = Vec::with_capacity(4 * packed.len());
        loop {
            let read = usize::try_from(unpacker.total_in()).ok()?;
            let finish = FlushDecompress::Finish;
            match unpacker.decompress_vec(packed.get(read..)?, &mut data, finish).ok()? {
                Status::StreamEnd => return Some(data),
                _ if data.len() < data.capacity() || data.len() > MOST => return None,
                _ => data.reserve(data.len().max(64)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    const SESSION: &[u8] = br#"{"_user_id":"42","_fresh":true,"csrf_token":"9f86d081","visits":7}"#;

    #[test]
    fn what_sessions_hold_is_less_and_comes_back() {
        let packed = pack(SESSION).unwrap();
        assert!(packed.len() < SESSION.len() / 2, "{} bytes", packed.len());
        assert_eq!(unpack(&packed).unwrap(), SESSION);
        for len in [SHORT, 1000, LONG] {
            let data = vec![b'a'; len];
            assert_eq!(unpack(&pack(&data).unwrap()).unwrap(), data);
        }
    }

    /// The words are part of the form: were one changed, all sessions would be.
    #[test]
    fn what_was_packed_before_opens() {
        let packed: Vec<u8> = RECORDED
            .as_bytes()
            .chunks_exact(2)
            .map(|hex| u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(unpack(&packed).unwrap(), SESSION);
    }

    const RECORDED: &str = "ab46d66a6204721a8af128ceb04cb3304b31b030544298655e0b00";

    #[test]
    fn what_is_not_less_is_left() {
        assert_eq!(pack(&SESSION[..SHORT - 1]), None);
        assert_eq!(pack(&vec![b'a'; LONG + 1]), None);
        let mut number = 1_u64;
        let chance: Vec<u8> = (0..200)
            .map(|_| {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (number >> 56) as u8
            })
            .collect();
        assert_eq!(pack(&chance), None);
    }

    /// A stream may be long and hold little: empty blocks, and then a session.
    #[test]
    fn what_no_writer_makes_so_long_is_none() {
        const EMPTY: &[u8] = &[0, 0, 0, 0xff, 0xff];
        let padded = |blocks: usize| [EMPTY.repeat(blocks), pack(SESSION).unwrap()].concat();
        assert_eq!(unpack(&padded(1)).unwrap(), SESSION);
        assert_eq!(unpack(&padded(MOST / EMPTY.len() + 1)), None);
    }

    #[test]
    fn damage_and_bombs_are_none() {
        let packed = pack(SESSION).unwrap();
        for len in 0..packed.len() {
            assert_eq!(unpack(&packed[..len]), None, "{len} bytes");
        }
        let mut bomb = Vec::with_capacity(1 << 20);
        let mut packer = Compress::new_with_window_bits(Compression::new(9), false, 15);
        packer.compress_vec(&vec![0; 1 << 24], &mut bomb, FlushCompress::Finish).unwrap();
        assert_eq!(unpack(&bomb), None);
    }
}
