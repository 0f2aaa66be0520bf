//! An id and its signature: the cookie of server mode.

use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{find, push_base64};
use crate::KEY;

pub(super) type Id = [u8; 32];

/// Signs ids, and tells signed ones from others.
#[derive(Clone, Debug)]
pub(super) struct Ids(Hmac<Sha256>);

impl Ids {
    pub(super) fn new() -> Self {
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("any length");
        let derived = keyed(KEY.as_bytes()).chain_update(b"dewar.session-id").finalize();
        Self(keyed(&derived.into_bytes()))
    }

    pub(super) fn verify(&self, headers: &HeaderMap) -> Option<Id> {
        let token = find(headers)?;
        let at = token.iter().rposition(|&byte| byte == b'.')?;
        let (id, signature) = (&token[..at], &token[at + 1..]);
        let mut claimed = [0; 34];
        let len = URL_SAFE_NO_PAD.decode_slice(signature, &mut claimed).ok()?;
        self.0.clone().chain_update(id).verify_slice(&claimed[..len]).ok()?;
        let mut bytes = [0; 34];
        let len = URL_SAFE_NO_PAD.decode_slice(id, &mut bytes).ok()?;
        bytes[..len].try_into().ok()
    }

    pub(super) fn make(&self) -> (Id, Vec<u8>) {
        let mut id = [0; 32];
        getrandom::fill(&mut id).expect("chance");
        let mut token = Vec::with_capacity(87);
        push_base64(&mut token, &id);
        let tag = self.0.clone().chain_update(&token).finalize().into_bytes();
        token.push(b'.');
        push_base64(&mut token, &tag);
        (id, token)
    }
}
