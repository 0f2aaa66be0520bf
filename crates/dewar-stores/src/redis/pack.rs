//! Contents in less room: deflated, with the words of sessions known beforehand.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What sessions commonly hold, the commonest last: a reference to what is near is shorter. It is
/// part of the form: another dictionary would read other contents.
const WORDS: &[u8] = br#"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.@example.com/https://www.:"/index","next":"/"],"items":[{"id":,"qty":,"price":"cart":[{"currency":"EUR","country":"DE","timezone":"Europe/Berlin","theme":"dark","lang":"en-US","locale":"en","role":"admin","roles":["user"],"email":"@gmail.com","name":"username":"{" t":[" d":"Mon, 01 Jan 2026 00:00:00 GMT"}," u":" b":" di":{" m":"last_seen":"oauth_state":"state":"nonce":"_flashes":[{" t":["message","success","error","info","warning","You were logged in"]}],"_permanent":true,"_remember":"set","_remember_seconds":"_csrf_token":"csrf_token":"_created":17"_fresh":true,"_id":"_user_id":"user_id":null,false,true,"visits":1,"count":{""#;

/// Below this nothing is saved.
const SHORT: usize = 24;

/// Beyond this the caller waits too long for what is saved: compressing 64 KiB takes a millisecond.
const LONG: usize = 64 * 1024;

/// How many bytes packed contents may become: no writer has more than this.
const MOST: usize = LONG;

thread_local! {
    /// A stream takes a quarter of a megabyte and is cleared faster than it is made.
    static PACKER: RefCell<Compress> =
        RefCell::new(Compress::new_with_window_bits(Compression::new(6), false, 15));
}

/// The packed form, if it is shorter.
pub(super) fn pack(data: &[u8]) -> Option<Vec<u8>> {
    if !(SHORT..=LONG).contains(&data.len()) {
        return None;
    }
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        packer.set_dictionary(WORDS).ok()?;
        let mut packed = Vec::with_capacity(data.len() - 1);
        let status = packer.compress_vec(data, &mut packed, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then_some(packed)
    })
}

/// Undoes [`pack`]; `None` if the bytes are not such.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut unpacker = Decompress::new_with_window_bits(false, 15);
    unpacker.set_dictionary(WORDS).ok()?;
    let mut data = Vec::with_capacity(4 * packed.len());
    loop {
        let status = unpacker.decompress_vec(
            &packed[usize::try_from(unpacker.total_in()).ok()?..],
            &mut data,
            FlushDecompress::Finish,
        );
        match status.ok()? {
            Status::StreamEnd => return Some(data),
            _ if data.len() < data.capacity() || data.len() > MOST => return None,
            _ => data.reserve(data.len().max(64)),
        }
    }
}
